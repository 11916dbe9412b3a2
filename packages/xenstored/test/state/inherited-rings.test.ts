import { DOM0, type Port } from '@split-driver/abi'
import { settle, XenStoreWireClient } from '@split-driver/conformance'
import { RingChannel } from '@split-driver/xenbus'
import { readSavedState, readStream, type StateRecord, writeStream, XenstoreServer } from '@split-driver/xenstored'
import { inheritedEvents } from '@split-driver/xenstored/node'
import { expect, test } from 'vitest'
import { DOM, StoreWorld } from '../support/store-world.js'

const EVTCHN_FD = 17

/** Domains 5 and 6 behind rings, and dom0 behind its own; a program that is about to become another. */
const begun = async () => {
  const store = new StoreWorld((machine) => ({ controlRing: { page: machine.addDomain(DOM0), port: 7 as Port } }))
  const { platform, server } = store
  const dom0 = store.ringClient(0)
  const [five, six] = [await store.introduce(5), await store.introduce(6)]
  await dom0.write('/shared', 'before')
  await dom0.setPerms('/shared', ['b0'])
  await five.watch('/shared', 'five')
  await five.events()
  const bytes = server.save({ evtchnFd: EVTCHN_FD })
  return { platform, dom0, five, six, bytes }
}

/** As Xen's own daemon writes it: nothing is behind the stream's END. @param change what it says instead */
const theirs = (bytes: Uint8Array, change: (record: StateRecord) => StateRecord[] = (record) => [record]): Uint8Array =>
  writeStream(readStream(bytes).records.flatMap(change), { version: 1 })

type World = Awaited<ReturnType<typeof begun>>

const resumed = async ({ platform }: World, bytes: Uint8Array, inheritedPorts = platform.execute()) => {
  const resume = { state: readSavedState(bytes), channelOf: () => undefined }
  const controlRing = { page: platform.pages.get(DOM0)!, port: 7 as Port }
  const { events, mapper, clock } = platform as typeof platform & { clock: never }
  const server = new XenstoreServer({ events, mapper, clock, inheritedPorts }, { resume, controlRing })
  await settle()
  return server
}

const atRing =
  (domid: number, port: number) =>
  (record: StateRecord): StateRecord[] =>
    record.kind === 'CONNECTION_DATA' && record.spec.kind === 'ring' && record.spec.domid === domid
      ? [{ ...record, spec: { ...record.spec, port: port as Port } }]
      : [record]

test.each([
  ['ours', (bytes: Uint8Array) => bytes],
  ['the original’s', theirs],
])('rings go on by the ports that were left, dom0’s own, too: %s', async (_, made) => {
  const world = await begun()
  const { platform, dom0, five, six, bytes } = world
  const before = platform.ledger()
  const pending = five.write('/local/domain/5/late', 'asked while nobody served')
  using server = await resumed(world, made(bytes))
  expect(await pending).toBe('!EACCES')
  expect(platform.ledger().sort()).toEqual(before.sort())
  expect([DOM0, DOM(5), DOM(6)].map((domid) => server.isIntroduced(domid))).toEqual([true, true, true])
  await six.write('/shared', 'after')
  expect(await dom0.read('/shared')).toBe('after')
  expect(await five.events()).toEqual(['/shared five'])
})

test('GLOBAL_DATA says by which descriptor, and each CONNECTION_DATA the server’s own port', async () => {
  const { bytes } = await begun()
  const { records } = readStream(bytes)
  expect(records[0]).toEqual({ kind: 'GLOBAL_DATA', socketFd: -1, evtchnFd: EVTCHN_FD })
  const rings = records.flatMap((record) => (record.kind === 'CONNECTION_DATA' ? [record.spec] : []))
  expect(rings).toEqual([0, 5, 6].map((domid, i) => ({ kind: 'ring', domid, target: undefined, port: i + 1 })))
  expect(inheritedEvents(readSavedState(bytes))).toBe(EVTCHN_FD)
  const none = theirs(bytes, (record) => (record.kind === 'GLOBAL_DATA' ? [{ ...record, evtchnFd: -1 }] : [record]))
  expect(inheritedEvents(readSavedState(none))).toBeUndefined()
})

test.each([
  ['0', 0],
  ['none that is bound', 99],
  ['another domain’s', 3],
  ['beyond all', 0xffff_ffff],
])('a port that is %s: that domain alone is not served, and can be introduced again', async (_, port) => {
  const world = await begun()
  const { platform, dom0, bytes } = world
  using server = await resumed(world, theirs(bytes, atRing(5, port)))
  expect([5, 6].map((domid) => server.isIntroduced(DOM(domid)))).toEqual([false, true])
  expect(await dom0.read('/shared')).toBe('before')
  expect(platform.ledger().filter((line) => line.startsWith('page'))).toEqual(['page of domain 6'])
  server.introduce(DOM(5), 0 as never, 1 as Port)
  const page = platform.pages.get(DOM(5))!
  const channel = RingChannel.front(page, () => platform.raise(DOM(5)))
  platform.onNotify.set(DOM(5), () => channel.wake())
  expect(await new XenStoreWireClient(channel).read('/shared')).toBe('before')
})

test('a domain whose page cannot be mapped any more: its port is closed', async () => {
  const world = await begun()
  world.platform.pages.delete(DOM(5))
  using server = await resumed(world, world.bytes)
  expect(server.isIntroduced(DOM(5))).toBe(false)
  expect(world.platform.ledger().sort()).toEqual(['page of domain 6', 'port 1 to domain 0', 'port 3 to domain 6'])
})

test('EPROTO: a stream that has two rings of one domain', async () => {
  const world = await begun()
  const twice = theirs(world.bytes, (record) =>
    record.kind === 'CONNECTION_DATA' ? [record, { ...record, connId: record.connId + 100 }] : [record],
  )
  await expect(resumed(world, twice)).rejects.toThrow(/EPROTO: state: domain 0 has two rings/)
})

test('the original’s rings without the ports that were left: nobody is served by them', async () => {
  const world = await begun()
  const { platform, bytes } = world
  platform.execute()
  const resume = { state: readSavedState(theirs(bytes)), channelOf: () => undefined }
  using server = new XenstoreServer(platform, { resume })
  expect([5, 6].map((domid) => server.isIntroduced(DOM(domid)))).toEqual([false, false])
})
