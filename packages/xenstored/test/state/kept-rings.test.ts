import { type FrameNumber, type Port, VIRQ } from '@split-driver/abi'
import { settle } from '@split-driver/conformance'
import { xenstoreDomainInterface } from '@split-driver/ring'
import {
  concatBytes,
  encodeMessage,
  type Message,
  packStringAndRest,
  packStrings,
  toText,
  XenStoreOp,
} from '@split-driver/xenbus'
import { type FoundState, readSavedState, XenstoreServer } from '@split-driver/xenstored'
import { expect, test } from 'vitest'
import { decodeMessages } from '../../src/state/decode-messages.js'
import { foundRings } from '../../src/state/journal/found-rings.js'
import { MemoryJournal } from '../support/memory-journal.js'
import { RingGuest } from '../support/ring-guest.js'
import { DOM, StoreWorld } from '../support/store-world.js'

const { at } = xenstoreDomainInterface
const GUEST = DOM(5)
const BIG = 'v'.repeat(1500)

const asks: readonly (readonly [type: number, body: Uint8Array, txId: number, replies: readonly string[]])[] = [
  [XenStoreOp.Watch, packStrings('x', 'token'), 0, ['OK']],
  [XenStoreOp.Write, packStringAndRest('x', '1'), 0, ['OK']],
  [XenStoreOp.Rm, packStrings('x'), 0, ['OK']],
  [XenStoreOp.Watch, packStrings('x', 'token'), 0, ['EEXIST']],
  [XenStoreOp.Write, packStringAndRest('big', BIG), 0, ['OK']],
  [XenStoreOp.Read, packStrings('big'), 0, [BIG]],
  [XenStoreOp.Rm, packStrings('big'), 0, ['OK']],
  [XenStoreOp.Read, packStrings('big'), 0, ['ENOENT']],
  [XenStoreOp.TransactionStart, packStrings(''), 0, ['1']],
  [XenStoreOp.Write, packStringAndRest('x', BIG), 1, ['OK']],
  [XenStoreOp.TransactionEnd, packStrings('T'), 1, ['OK', 'EAGAIN']],
  [XenStoreOp.TransactionStart, packStrings(''), 0, ['2']],
  [XenStoreOp.TransactionEnd, packStrings('F'), 2, ['OK']],
  [XenStoreOp.Unwatch, packStrings('x', 'token'), 0, ['OK']],
  [XenStoreOp.Unwatch, packStrings('x', 'token'), 0, ['ENOENT']],
]

const requests = concatBytes(...asks.map(([type, body, txId], reqId) => encodeMessage({ type, reqId, txId, body })))

/** A server for a guest, as its journal has it, with nothing in the journal written before `run` says so. */
const serve = (found?: FoundState) => {
  const journal = new MemoryJournal(found, { atOnce: false })
  let page: ReturnType<StoreWorld['platform']['addDomain']> | undefined
  const begin = (copy?: (page: RingGuest['page']) => RingGuest) => {
    let guest: RingGuest | undefined
    const world = new StoreWorld((machine) => {
      machine.states.set(GUEST, 'running')
      page = machine.addDomain(GUEST)
      guest = copy ? copy(page) : new RingGuest(page, requests)
      return { journal, domainStates: machine.domainStates }
    })
    return { world, guest: guest! }
  }
  return { journal, begin }
}

const answersIn = (received: Uint8Array): Message[] =>
  [...decodeMessages(received)].filter(({ type }) => type !== XenStoreOp.WatchEvent)

/** For so long that the guest has all its answers, unless that is said otherwise. */
const run = async (
  { platform }: StoreWorld,
  guest: RingGuest,
  journal: MemoryJournal,
  most: number,
  rounds = 400,
): Promise<void> => {
  for (let i = 0; i < rounds; i++) {
    guest.step(most)
    platform.raise(GUEST)
    await settle(20)
    journal.write()
    await settle(20)
  }
}

const textOf = (body: Uint8Array): string => toText(body).replace(/\0$/, '')

/** Another program takes the server's place in its process. @returns the journal that it begins */
const update = ({ platform, clock, server }: StoreWorld, journal: MemoryJournal): MemoryJournal => {
  journal.write()
  const next = new MemoryJournal(journal.leave(), { atOnce: false })
  const become = (): never => {
    const resume = { state: readSavedState(server.save()), channelOf: () => undefined }
    const inheritedPorts = platform.execute()
    const { events, mapper, domainStates } = platform
    const machine = { events, mapper, clock, inheritedPorts }
    const successor = new XenstoreServer(machine, { resume, journal: next, domainStates })
    expect(successor.isIntroduced(GUEST)).toBe(true)
    throw new Error('no process of a test becomes another')
  }
  // The successor has what the server would have again now.
  expect(() => server.yieldTo(become)).toThrow(/EEXIST/)
  return next
}

test.each([
  ['', 4096, undefined],
  ['', 7, undefined],
  ['also after a live update, ', 4096, 1],
  ['also after a live update, ', 7, 40],
  ['also after a live update, ', 7, 150],
])(
  'wherever a server is killed, %sthe next answers each request once, in order, untorn (a guest that takes %i bytes)',
  async (_, most, updatedAfter) => {
    const first = serve()
    const { world, guest } = first.begin()
    const dom0 = world.connect()
    const made = Promise.all([dom0.mkdir('/local/domain/5'), dom0.setPerms('/local/domain/5', ['n5'])])
    await settle()
    first.journal.write()
    await made
    world.server.introduce(GUEST, 0 as FrameNumber, 1 as Port)
    let { journal } = first
    const kills: { readonly found: FoundState; readonly guest: RingGuest }[] = []
    const scratch = new StoreWorld().platform
    const kill = (): void => {
      kills.push({ found: journal.leave(), guest: guest.copyTo(scratch.addDomain(GUEST)) })
    }
    journal.write()
    guest.watchIndices(kill)
    if (updatedAfter !== undefined) {
      await run(world, guest, journal, most, updatedAfter)
      journal = update(world, journal)
    }
    await run(world, guest, journal, most)
    expect(kills.length).toBeGreaterThan(10)
    const committed = new Set<string>()
    const stride = Math.ceil(kills.length / 120)
    for (const { found, guest: left } of kills.filter((_, i) => i % stride === 0)) {
      const next = serve(found)
      const after = next.begin((page) => left.copyTo(page))
      await run(after.world, after.guest, next.journal, most)
      const answers = answersIn(after.guest.received)
      expect(answers.map(({ reqId }) => reqId)).toEqual(asks.map((_, reqId) => reqId))
      const wrong = answers.filter(({ reqId, body }) => !asks[reqId]![3].includes(textOf(body)))
      expect(wrong.map(({ reqId, body }) => `${reqId}: ${textOf(body)}`)).toEqual([])
      const outcome = textOf(answers[10]!.body)
      committed.add(outcome)
      expect(await after.world.connect().read('/local/domain/5/x')).toBe(outcome === 'OK' ? BIG : '!ENOENT')
    }
    expect(committed).toEqual(new Set(['OK', 'EAGAIN']))
  },
  60_000,
)

/** A server with a domain whose watch is registered, and a world for the next. */
const watching = async () => {
  const journal = new MemoryJournal()
  const world = new StoreWorld((machine) => {
    machine.states.set(GUEST, 'running').set(DOM(6), 'running')
    return { journal, domainStates: machine.domainStates }
  })
  const dom0 = world.connect()
  await dom0.mkdir('/local/domain/5')
  await dom0.setPerms('/local/domain/5', ['n5'])
  const guest = await world.introduce(5)
  await world.introduce(6)
  await guest.watch('x', 'token')
  await guest.events()
  const page = world.platform.pages.get(GUEST)!
  const next = (found: FoundState, uuid?: string) => {
    const after = new StoreWorld((machine) => {
      new RingGuest(page, new Uint8Array()).copyTo(machine.addDomain(GUEST))
      machine.addDomain(DOM(6))
      machine.states.set(GUEST, 'running').set(DOM(6), 'running')
      if (uuid !== undefined) machine.uuids.set(GUEST, uuid)
      return { journal: new MemoryJournal(found), domainStates: machine.domainStates }
    })
    return { after, guest: after.ringClient(5) }
  }
  return { journal, dom0, world, page, next }
}

test('a watch is registered again, tells once that one should look, and of what comes then', async () => {
  const { journal, next } = await watching()
  const { after, guest } = next(journal.leave())
  await settle()
  expect(await guest.events()).toEqual(['x token'])
  await after.connect().write('/local/domain/5/x', '1')
  expect(await guest.events()).toEqual(['x token'])
  expect(after.platform.ledger()).toContain('page of domain 5')
})

test('a domain is told to look at its ring: who was killed may not have come to it', async () => {
  const { journal, next } = await watching()
  const { after } = next(journal.leave())
  after.ringClient(6)
  let told = 0
  after.platform.onNotify.set(DOM(6), () => {
    told += 1
  })
  await settle()
  expect(told).toBe(1)
})

test('all is written down before it is saved for another program; what is published for that is told, too', async () => {
  const first = serve()
  const { world, guest } = first.begin()
  world.server.introduce(GUEST, 0 as FrameNumber, 1 as Port)
  expect(() => world.server.save()).toThrow(/EBUSY/)
  first.journal.write()
  await settle(20)
  guest.step(4096)
  world.platform.raise(GUEST)
  await settle(20)
  let told = 0
  world.platform.onNotify.set(GUEST, () => {
    told += 1
  })
  first.journal.write()
  world.server.save()
  world.server.handOver()
  await settle(20)
  expect(told).toBe(1)
})

test('targets are kept', async () => {
  const { journal, dom0, next } = await watching()
  expect(await dom0.ask(XenStoreOp.SetTarget, packStrings('6', '5'))).toBe('OK')
  const { after } = next(journal.leave())
  await settle()
  expect(await after.ringClient(6).write('/local/domain/5/y', '1')).toBe('OK')
})

test('a domid that another domain has now: the domain before is gone with all that it had, and nobody is served', async () => {
  const { journal, next } = await watching()
  const { after } = next(journal.leave(), 'another life')
  await settle()
  expect(after.server.isIntroduced(GUEST)).toBe(false)
  expect(after.server.isIntroduced(DOM(6))).toBe(true)
  expect(await after.connect().read('/local/domain/5')).toBe('!ENOENT')
})

test('a machine that was started anew has none of the domains that were there', async () => {
  const { journal, next } = await watching()
  const { after } = next(journal.leave({ sameBoot: false }))
  await settle()
  expect([5, 6].map((domid) => after.server.isIntroduced(DOM(domid)))).toEqual([false, false])
  expect(await after.connect().read('/local/domain/5')).toBe('!ENOENT')
})

test('a domain that asked for a new connection meanwhile gets it, and none of what was before', async () => {
  const { journal, page, next } = await watching()
  page.store(at.connection.word, 1)
  const { after } = next(journal.leave())
  await settle()
  const now = after.platform.pages.get(GUEST)!
  expect([at.connection, at.reqCons, at.rspProd].map(({ word }) => now.load(word))).toEqual([0, 0, 0])
  const guest = after.ringClient(5)
  await after.connect().write('/local/domain/5/x', '1')
  expect(await guest.write('y', '1')).toBe('OK')
  expect(guest.messages).toHaveLength(1)
})

test.each([
  ['all indices elsewhere', [at.reqCons, at.reqProd, at.rspCons, at.rspProd], 0x7000_0000],
  ['requests that end before what was taken', [at.reqCons, at.reqProd], 1],
])(
  'a page that contradicts the journal is its domain’s own doing, and its page counts: %s',
  async (_, indices, value) => {
    const { journal, page, next } = await watching()
    for (const index of indices) page.store(index.word, value)
    const { guest } = next(journal.leave())
    expect(await guest.write('y', '1')).toBe('OK')
  },
)

test('that a domain has shut down is kept, and that it runs again: the next end is told of', async () => {
  const { journal, dom0, world, next } = await watching()
  const shutDown = () => foundRings(journal.leave()).flatMap((ring) => (ring.shutDown ? [ring.domid] : []))
  world.platform.states.set(GUEST, 'shutdown')
  world.platform.raiseVirq(VIRQ.DomExc)
  await settle()
  expect(shutDown()).toEqual([5])
  expect(await dom0.ask(XenStoreOp.Resume, packStrings('5'))).toBe('OK')
  expect(shutDown()).toEqual([])
  const { after } = next(journal.leave())
  const watcher = after.connect()
  await watcher.watch('@releaseDomain', 'out')
  await watcher.events()
  after.platform.states.set(GUEST, 'shutdown')
  after.platform.raiseVirq(VIRQ.DomExc)
  await settle()
  expect(await watcher.events()).toEqual(['@releaseDomain out'])
})

test('what was released is not there again', async () => {
  const { journal, world, next } = await watching()
  world.server.release(DOM(6))
  const { after } = next(journal.leave())
  expect(after.server.isIntroduced(DOM(6))).toBe(false)
})
