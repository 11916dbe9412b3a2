import type { Domid, FrameNumber, Port } from '@split-driver/abi'
import { StoreMachine, settle, XenStoreWireClient } from '@split-driver/conformance'
import { channelPair, packStrings, RingChannel, XenStoreOp } from '@split-driver/xenbus'
import { XenstoreServer } from '@split-driver/xenstored'
import type { RelSuite } from './rel-suite.js'

const STALLED = 1 as Domid

/** Bytes that may be kept for the stalled domain: its nodes and watches, and one event of each watch and path. */
const KEPT_BYTES = 4096

/** Events that it may find when it looks at last: what the ring held when it was full, and one of each that wait. */
const EVENTS = 64

const keptBytes = async (dom0: XenStoreWireClient): Promise<number> => {
  const said = await dom0.ask(XenStoreOp.Control, packStrings('quota', String(STALLED)))
  return Number(/^memory *: *([0-9]+)/m.exec(said)?.[1])
}

const connect = async (machine: StoreMachine, server: XenstoreServer) => {
  const [ours, theirs] = channelPair()
  server.accept(theirs, { domid: 0 as Domid, privileged: true })
  const dom0 = new XenStoreWireClient(ours)
  await dom0.mkdir(`/local/domain/${STALLED}`)
  await dom0.setPerms(`/local/domain/${STALLED}`, [`n${STALLED}`])
  const channel = RingChannel.front(machine.addDomain(STALLED), () => machine.raise(STALLED))
  machine.onNotify.set(STALLED, () => channel.wake())
  server.introduce(STALLED, 0 as FrameNumber, 1 as Port)
  return { dom0, stalled: new XenStoreWireClient(channel) }
}

export const suite: RelSuite = {
  name: 'xenstore-stalled-reader',
  describe: 'S8: n writes to a node that a domain watches and does not look at: what is kept for it stays as it is',
  run: async ({ n, progress }) => {
    const machine = new StoreMachine()
    using server = new XenstoreServer(machine)
    const { dom0, stalled } = await connect(machine, server)
    await stalled.watch('x', 't')
    stalled.stall()
    let most = 0
    for (let done = 0; done < n; done++) {
      await dom0.write(`/local/domain/${STALLED}/x`, String(done))
      dom0.messages.length = 0
      if (done % 1000 > 0) continue
      most = Math.max(most, await keptBytes(dom0))
      progress(done)
    }
    stalled.resume()
    await settle(2000)
    const events = stalled.takeEvents()
    const violations: string[] = []
    if (most > KEPT_BYTES) violations.push(`${most} bytes were kept for the stalled domain`)
    if (events.length > EVENTS) violations.push(`${events.length} events were kept for the stalled domain`)
    if (!events.every((event) => event === 'x t')) violations.push(`it was told of ${[...new Set(events)].join(', ')}`)
    return { done: n, violations, detail: { keptBytes: most, events: events.length } }
  },
}
