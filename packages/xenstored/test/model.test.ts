import { CHOICES, chooseOperation, StoreModelRun, StoreOverChannels } from '@split-driver/conformance'
import { XenstoreServer } from '@split-driver/xenstored'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FakePlatform } from './support/fake-platform.js'

const CLIENTS = 4

/** Few enough of each that random operations come to the limits. */
const limits = { nodes: 6, watches: 4, transactions: 2 }

const freshStore = (): StoreOverChannels => {
  const platform = new FakePlatform()
  return new StoreOverChannels(new XenstoreServer(platform, { quotas: limits }), (domid) => platform.addDomain(domid))
}

/** An operation is what it chooses: shrinking a choice makes it simpler. */
const operation = fc.array(fc.nat(), { minLength: CHOICES, maxLength: CHOICES }).map((choices) => {
  const next = choices.values()
  return chooseOperation(CLIENTS, (limit) => (next.next().value ?? 0) % limit)
})

test('rules 41 to 49, 52, 53: replies, events and the tree are those of the model, whatever is asked', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 120, size: 'max' }), async (operations) => {
      const run = new StoreModelRun(freshStore(), { clients: CLIENTS, limits })
      expect(await run.begin()).toBeUndefined()
      for (const next of operations) expect(await run.step(next)).toBeUndefined()
      expect(await run.compareAll()).toBeUndefined()
    }),
    { numRuns: 150 },
  )
})
