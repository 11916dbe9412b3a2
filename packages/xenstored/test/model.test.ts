import {
  CHOICES,
  chooseOperation,
  clientsOf,
  ServedStore,
  StoreMachine,
  StoreModelRun,
} from '@split-driver/conformance'
import { XenstoreServer } from '@split-driver/xenstored'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const DOMAINS = 4

/** Few enough of each that random operations come to them. */
const quotas = { nodes: 6, watches: 4, transactions: 2, 'node-permissions': 2 }

const freshStore = (): ServedStore => {
  const machine = new StoreMachine()
  return new ServedStore(machine, new XenstoreServer(machine, { quotas }))
}

/** An operation is what it chooses: shrinking a choice makes it simpler. */
const operation = fc.array(fc.nat(), { minLength: CHOICES, maxLength: CHOICES }).map((choices) => {
  const next = choices.values()
  return chooseOperation(clientsOf(DOMAINS), DOMAINS, (limit) => (next.next().value ?? 0) % limit)
})

test('rules 41 to 53: replies, events and the tree are those of the model, whatever is asked', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 120, size: 'max' }), async (operations) => {
      const run = new StoreModelRun(freshStore(), { domains: DOMAINS, quotas })
      expect(await run.begin()).toBeUndefined()
      for (const next of operations) expect(await run.step(next)).toBeUndefined()
      expect(await run.compareAll()).toBeUndefined()
    }),
    { numRuns: 150 },
  )
})
