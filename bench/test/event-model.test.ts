import { expect, it } from 'vitest'
import { suite } from '../src/rel/event-channels.js'

it('any sequence of event-channel calls by several domains is answered as the written model answers it', async () => {
  const { done, violations } = await suite.run({ n: 1000, seed: 61, progress: () => {} })
  expect([done, violations]).toEqual([1000, []])
})
