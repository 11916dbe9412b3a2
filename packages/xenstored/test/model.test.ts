import { DOM0 } from '@split-driver/abi'
import { ServedStore, StoreMachine, StoreModelRun, XenStoreWireClient } from '@split-driver/conformance'
import { channelPair, packStrings, XenStoreOp } from '@split-driver/xenbus'
import { XenstoreServer } from '@split-driver/xenstored'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DOMAINS, operation, quotas } from './support/model-choices.js'

const fresh = () => {
  const machine = new StoreMachine()
  const server = new XenstoreServer(machine, { quotas })
  return { server, store: new ServedStore(machine, server) }
}

/** What CONTROL's check says: every count and byte that is kept is what a recount gives. */
const check = (server: XenstoreServer): Promise<string> => {
  const [ours, theirs] = channelPair()
  server.accept(theirs, { domid: DOM0, privileged: true })
  return new XenStoreWireClient(ours).ask(XenStoreOp.Control, packStrings('check'))
}

test('rules 41 to 53: replies, events, the tree and all counts are those of the model, whatever is asked', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 120, size: 'max' }), async (operations) => {
      const { server, store } = fresh()
      const run = new StoreModelRun(store, { domains: DOMAINS, quotas })
      expect(await run.begin()).toBeUndefined()
      for (const next of operations) expect(await run.step(next)).toBeUndefined()
      expect(await check(server)).toBe('OK')
      expect(await run.compareAll()).toBeUndefined()
    }),
    { numRuns: 150 },
  )
})
