import { readFileSync } from 'node:fs'
import { DOM0, type Domid, type Port } from '@split-driver/abi'
import { StoreMachine, settle, XenStoreWireClient } from '@split-driver/conformance'
import {
  type ByteChannel,
  channelPair,
  concatBytes,
  encodeMessage,
  RingChannel,
  toBytes,
  toText,
  XenStoreOp,
} from '@split-driver/xenbus'
import { readSavedState, readStream, type StateRecord, XenstoreServer } from '@split-driver/xenstored'
import { inheritedEvents } from '@split-driver/xenstored/node'
import { expect, test } from 'vitest'
import { DOM } from '../support/store-world.js'

/**
 * What Xen 4.17's own daemon wrote for its successor, as bench/test/xenstore-peers/take-over-state.test.ts made it do: it
 * proves there that the daemon still does.
 */
const STATE = Buffer.from(
  readFileSync(new URL('./xenstored-4.17.hex', import.meta.url), 'latin1').replaceAll('\n', ''),
  'hex',
)

/** The socket of whoever asked for the update, and of another client that had sent half a request. */
const [ADMIN_FD, HALF_ASKED_FD] = [7, 8]

/** The ports that the original had bound: 1000 and a domain's number each. */
const bindAsBefore = ({ events }: StoreMachine, domids: readonly Domid[]): void => {
  const last = 1000 + Math.max(...domids)
  for (let port = 1; port <= last; port++) events.bindInterdomain((port >= 1000 ? port - 1000 : 99) as Domid, 1 as Port)
}

const begun = () => {
  const machine = new StoreMachine()
  const domids = [DOM0, DOM(7), DOM(8)]
  for (const domid of domids) machine.addDomain(domid)
  bindAsBefore(machine, domids)
  const guest = RingChannel.front(machine.pages.get(DOM(7))!, () => machine.raise(DOM(7)))
  machine.onNotify.set(DOM(7), () => guest.wake())
  const sockets = new Map([ADMIN_FD, HALF_ASKED_FD].map((fd) => [fd, channelPair()] as const))
  const fdOf = (channel: ByteChannel) => [...sockets].find(([, [, end]]) => end === channel)?.[0]
  const resume = { state: readSavedState(STATE), channelOf: (fd: number) => sockets.get(fd)?.[1] }
  const controlRing = { page: machine.pages.get(DOM0)!, port: 2 as Port }
  const { events, mapper } = machine
  const server = new XenstoreServer({ events, mapper, inheritedPorts: machine.execute() }, { resume, controlRing })
  const end = (fd: number): ByteChannel => sockets.get(fd)![0]
  return { server, guest, admin: end(ADMIN_FD), halfAsked: end(HALF_ASKED_FD), fdOf }
}

const received = (channel: ByteChannel): Uint8Array => {
  const bytes = new Uint8Array(4096)
  return bytes.subarray(0, channel.receive(bytes))
}

const reply = (type: number, reqId: number, body = 'OK\0'): Uint8Array =>
  encodeMessage({ type, reqId, txId: 0, body: toBytes(body) })

/** The records of these kinds, without the numbers that connections have in a stream. */
const recordsOf = (bytes: Uint8Array, ...kinds: readonly StateRecord['kind'][]): unknown[] =>
  readStream(bytes)
    .records.filter(({ kind }) => kinds.includes(kind))
    .map((record) => ({ ...record, connId: 0 }))

const byPath = (a: unknown, b: unknown): number =>
  (a as { path: string }).path < (b as { path: string }).path ? -1 : 1

test('it is a stream of the first version, and says by which descriptor the ports are bound', () => {
  const { stream, supplement } = readSavedState(STATE)
  expect([stream.version, stream.bytes, supplement]).toEqual([1, STATE.length, []])
  expect(inheritedEvents({ stream, supplement })).toBe(6)
})

test('ours says the same of every node, connection and watch, when it is to hand over at once', () => {
  const { server, fdOf } = begun()
  using _ = server
  const again = server.save({ fdOf, evtchnFd: 6 })
  const nodes = recordsOf(STATE, 'NODE_DATA')
  expect(nodes).toHaveLength(10)
  expect(recordsOf(again, 'NODE_DATA').sort(byPath)).toEqual(nodes.sort(byPath))
  const who = recordsOf(STATE, 'CONNECTION_DATA', 'WATCH_DATA')
  expect(who).toHaveLength(8)
  expect(new Set(recordsOf(again, 'CONNECTION_DATA', 'WATCH_DATA'))).toEqual(new Set(who))
})

test('what was half answered comes to its end, and what was half asked is answered once the rest has come', async () => {
  const { server, guest, admin, halfAsked } = begun()
  using _ = server
  await settle()
  expect(toText(received(guest))).toBe('long'.repeat(150).slice(-208))
  expect(received(admin)).toEqual(reply(XenStoreOp.Control, 18))
  expect(received(halfAsked)).toHaveLength(0)
  guest.send(toBytes('\0in two parts'))
  halfAsked.send(toBytes('l/half\0in two parts'))
  await settle()
  expect(received(guest)).toEqual(reply(XenStoreOp.Write, 100))
  const event = reply(XenStoreOp.WatchEvent, 0, '/tool/half\0of a socket\0')
  expect(received(halfAsked)).toEqual(concatBytes(event, reply(XenStoreOp.Write, 100)))
  const client = new XenStoreWireClient(admin)
  expect(await client.read('/local/domain/7/half')).toBe('in two parts')
  expect(await client.read('/tool/half')).toBe('in two parts')
})

test('domains have their rings, their watches, their rights, and who acts for them', async () => {
  const { server, guest, admin } = begun()
  using _ = server
  await settle()
  received(guest)
  received(admin)
  const [client, seven] = [new XenStoreWireClient(admin), new XenStoreWireClient(guest)]
  expect([DOM0, DOM(7), DOM(8)].map((domid) => server.isIntroduced(domid))).toEqual([true, true, true])
  // Domain 9 never was: what was granted to it is void, and stays so when there is one.
  expect(await client.getPerms('/tool/binary')).toBe('r0|w7')
  seven.postRaw(toBytes('\0in two parts'))
  expect(await seven.write('word/below', 'x')).toBe('OK')
  expect(await seven.events()).toEqual(['word/below of the guest'])
  expect(await seven.write('/tool/binary', 'written by right')).toBe('OK')
  expect(await seven.write('/tool/other', 'x')).toBe('!EACCES')
  server.release(DOM(8))
  expect(await client.events()).toEqual(['@releaseDomain ends'])
})
