import type { Domid, FrameNumber, Port } from '@split-driver/abi'
import {
  ReplacedServer,
  ServedStore,
  StoreMachine,
  StoreModelRun,
  settle,
  XenStoreWireClient,
} from '@split-driver/conformance'
import { encodeMessage, packStringAndRest, packStrings, XenStoreOp } from '@split-driver/xenbus'
import { readSavedState, XenstoreServer, type XenstoreServerOptions } from '@split-driver/xenstored'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DOMAINS, operation, quotas } from '../support/model-choices.js'

/** Each that goes on is told to begin with something else than what it goes on with. */
const replaceable = (machine: StoreMachine, options: XenstoreServerOptions) =>
  new ReplacedServer((legacy) => {
    if (legacy === undefined) return new XenstoreServer(machine, options)
    const resume = { state: readSavedState(legacy.saved), channelOf: legacy.channelOf }
    return new XenstoreServer(machine, { ...options, quotas: { nodes: 1 }, resume })
  })

const step = fc.oneof({ weight: 5, arbitrary: operation }, { weight: 1, arbitrary: fc.constant('replace' as const) })

test('another server goes on with what was saved, in the middle of anything, and the model notices nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120, size: 'max' }), async (steps) => {
      const machine = new StoreMachine()
      const server = replaceable(machine, { quotas })
      const run = new StoreModelRun(new ServedStore(machine, server), { domains: DOMAINS, quotas })
      expect(await run.begin()).toBeUndefined()
      for (const next of steps) {
        if (next === 'replace') server.replace()
        else expect(await run.step(next)).toBeUndefined()
      }
      expect(await run.compareAll()).toBeUndefined()
    }),
    { numRuns: 60 },
  )
})

/** Requests as bytes, in which everything is that can be under way: watches, events, transactions, long values, errors. */
const requestsOf = (domid: number): Uint8Array => {
  const at = (name: string): string => `/local/domain/${domid}/${name}`
  const bodies: [number, Uint8Array, number?][] = [
    [XenStoreOp.Watch, packStrings(at('w'), 'token')],
    [XenStoreOp.TransactionStart, packStrings('')],
  ]
  for (let i = 0; i < 30; i++) {
    bodies.push([XenStoreOp.Write, packStringAndRest(at(`w/${i}`), 'v'.repeat(i % 7 === 0 ? 900 : i))])
    bodies.push([XenStoreOp.Read, packStrings(at(`w/${i - 3}`))])
    if (i % 3 === 0) bodies.push([XenStoreOp.Write, packStringAndRest(at(`t/${i}`), 'in it'), 1])
  }
  bodies.push([XenStoreOp.TransactionEnd, packStrings('T'), 1], [XenStoreOp.Directory, packStrings(at('t'))])
  const messages = bodies.map(([type, body, txId = 0], i) => encodeMessage({ type, reqId: i + 1, txId, body }))
  return Buffer.concat(messages)
}

interface Move {
  /** Bytes that a client sends, if its channel takes them. */
  readonly bytes: number
  readonly rounds: number
  readonly replace: boolean
}

/** What each client is told when they send their requests in these pieces, and when the server is replaced meanwhile. */
const toldTo = async (moves: readonly Move[]): Promise<string[][]> => {
  const machine = new StoreMachine()
  const server = replaceable(machine, {})
  const store = new ServedStore(machine, server)
  const domids = [0, 1]
  store.build(1)
  const clients = [new XenStoreWireClient(store.connect(0)), new XenStoreWireClient(store.ring(1))]
  server.server.introduce(1 as Domid, 0 as FrameNumber, 1 as Port)
  await clients[0]!.ask(XenStoreOp.Mkdir, packStrings('/local/domain/1'))
  await clients[0]!.ask(XenStoreOp.SetPerms, packStrings('/local/domain/1', 'n1'))
  const streams = domids.map(requestsOf)
  const sent = [0, 0]
  const send = (index: number, bytes: number): void => {
    const first = sent[index]!
    sent[index]! += clients[index]!.channel.send(streams[index]!.subarray(first, first + bytes))
  }
  for (const { bytes, rounds, replace } of moves) {
    for (const index of sent.keys()) send(index, bytes)
    await settle(rounds)
    if (replace) server.replace()
  }
  for (let i = 0; i < 400; i++) {
    for (const index of sent.keys()) send(index, 1024)
    await settle(20)
  }
  return clients.map(({ messages }) => messages.map((message) => Buffer.from(encodeMessage(message)).toString('hex')))
}

test('each request is answered once, and no event is lost, wherever one server ends and the next begins', async () => {
  const undisturbed = await toldTo([])
  const move = fc.record({ bytes: fc.nat(600), rounds: fc.nat(12), replace: fc.boolean() })
  await fc.assert(
    fc.asyncProperty(fc.array(move, { maxLength: 40, size: 'max' }), async (moves) => {
      expect(await toldTo(moves)).toEqual(undisturbed)
    }),
    { numRuns: 30 },
  )
})
