import { expect, it } from 'vitest'
import { suite } from '../src/rel/xenstore-fuzz.js'

it('S1, S6: whatever bytes a XenStore server is sent, it answers or closes, and stays sound and small', async () => {
  const { done, violations } = await suite.run({ n: 5000, seed: 38, progress: () => {} })
  expect([done, violations]).toEqual([5000, []])
})
