import { expect, it } from 'vitest'
import { suite as eventChannels } from '../src/rel/event-channels.js'
import { suite as grants } from '../src/rel/grants.js'
import { suite as xenstore } from '../src/rel/xenstore.js'
import { suite as xenstoreHistories } from '../src/rel/xenstore-histories.js'

it('any sequence of event-channel calls by several domains is answered as the written model answers it', async () => {
  const { done, violations } = await eventChannels.run({ n: 1000, seed: 61, progress: () => {} })
  expect([done, violations]).toEqual([1000, []])
})

it('rules 67 to 72, G1 to G4: any sequence of grant-table calls leaves the tables as the written model has them', async () => {
  const { done, violations } = await grants.run({ n: 750, seed: 67, progress: () => {} })
  expect([done, violations]).toEqual([750, []])
})

it('rules 38 to 53: whatever 16 domains ask of a XenStore, it answers and tells what the written model does', async () => {
  const { done, violations } = await xenstore.run({ n: 2000, seed: 40, progress: () => {} })
  expect([done, violations]).toEqual([2000, []])
})

it('rules 47 and 48: what eight clients of a XenStore see who work at the same time is strictly serialisable', async () => {
  const { done, violations } = await xenstoreHistories.run({ n: 100, seed: 47, progress: () => {} })
  expect([done, violations]).toEqual([100, []])
})
