import { type GrantRef, port, VIRQ, XenError } from '@split-driver/abi'
import { assertLedgerEmpty, quiet, type World } from '@split-driver/conformance'
import type { EventChannels } from '@split-driver/evtchn'
import { TraceRecorder, tracePlatform, traceRing } from '@split-driver/trace'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TracedEventChannels } from '../src/traced-event-channels.js'
import { named, saidBy, tracerOf } from './support/steps.js'
import { createTracedWorld } from './support/traced-world.js'

let recorder: TraceRecorder
let world: World

beforeEach(async () => {
  recorder = new TraceRecorder()
  world = await createTracedWorld(recorder)
})

afterEach(async () => {
  await assertLedgerEmpty(world)
  await world[Symbol.asyncDispose]()
})

test('without a recorder nothing is wrapped: the platform and the page are the very same', async () => {
  const { platform, console } = await world.createGuest()
  expect(tracePlatform(platform, undefined)).toBe(platform)
  expect(traceRing(platform, console.memory, 0 as GrantRef, undefined)).toBe(console.memory)
})

test('an event: each domain has its part, with its own name of the port', async () => {
  const { platform: guest, domid } = await world.createGuest()
  const { dom0 } = world
  recorder.clear()
  const port = guest.events.bindUnboundPort(dom0.domid)
  const backPort = dom0.events.bindInterdomain(domid, port)
  dom0.events.listen(backPort, () => dom0.events.eoi(backPort, 'spurious'))
  guest.events.mask(port)
  guest.events.unmask(port)
  await quiet(guest.clock)
  recorder.clear()
  guest.events.notify(port)
  await quiet(guest.clock)
  guest.events.unbind(port)
  dom0.events.unbind(backPort)
  const trace = recorder.trace()
  expect(saidBy(trace, domid)).toEqual([`event.notify port=${port}`, `event.unbind port=${port}`])
  expect(saidBy(trace, 0)).toEqual([
    `event.deliver port=${backPort}`,
    `event.eoi port=${backPort} outcome=spurious`,
    `event.unbind port=${backPort}`,
  ])
  expect(trace.steps[0]!.time).toBeGreaterThan(0)
})

test('what a handler found goes on to the world below, which may hold a spurious peer back', () => {
  const ends: unknown[][] = []
  const below = { eoi: (...args: unknown[]) => void ends.push(args) } as unknown as EventChannels
  const events = new TracedEventChannels(below, tracerOf(new TraceRecorder()))
  events.eoi(port(3), 'spurious')
  events.eoi(port(4))
  expect(ends).toEqual([
    [3, 'spurious'],
    [4, 'worked'],
  ])
})

test('every way to a port, and a refusal, with the error as its domain got it', async () => {
  const { platform, domid } = await world.createGuest()
  const { events } = platform
  recorder.clear()
  const ports = [events.bindUnboundPort(world.dom0.domid), events.bindVirq(VIRQ.Debug), events.bindIpi()]
  expect(() => events.bindVirq(VIRQ.Debug)).toThrow(XenError)
  events.mask(ports[2]!)
  events.unmask(ports[2]!)
  expect(saidBy(recorder.trace(), domid)).toEqual([
    `event.bind-unbound port=${ports[0]} remoteDomid=0`,
    `event.bind-virq port=${ports[1]} virq=1`,
    `event.bind-ipi port=${ports[2]}`,
    'event.failed operation=bindVirq error=EEXIST',
    `event.mask port=${ports[2]}`,
    `event.unmask port=${ports[2]}`,
  ])
  for (const port of ports) events.unbind(port)
})

test('grants: the steps that hold pages and those that let them go are joined by one number', async () => {
  const { platform: guest, domid } = await world.createGuest()
  const { dom0 } = world
  recorder.clear()
  const pages = guest.sharer.share(dom0.domid, 2, 'writable')
  const mapping = dom0.mapper.map(domid, pages.refs, 'read-only')
  dom0.mapper.copyFrom(domid, { ref: pages.refs[0]!, offset: 4 }, new Uint8Array(8))
  dom0.mapper.copyTo(domid, new Uint8Array(3), { ref: pages.refs[1]!, offset: 0 })
  expect(() => dom0.mapper.map(domid, [4000 as GrantRef], 'writable')).toThrow(XenError)
  expect(guest.sharer.unshare(pages)).toBe(2)
  dom0.mapper.unmap(mapping)
  expect(guest.sharer.reclaim()).toBe(0)
  const trace = recorder.trace()
  const [share] = named(trace, 'grant.share')
  const [map] = named(trace, 'grant.map')
  expect(share!.fields.held).not.toBe(map!.fields.held)
  expect(saidBy(trace, domid)).toEqual([
    `grant.share held=${share!.fields.held} remoteDomid=0 access=writable refs=${pages.refs.join()}`,
    `grant.unshare held=${share!.fields.held} pagesHeld=2`,
    'grant.reclaim pagesHeld=0',
  ])
  expect(saidBy(trace, 0)).toEqual([
    `grant.map held=${map!.fields.held} remoteDomid=${domid} access=read-only refs=${pages.refs.join()}`,
    `grant.copy-from remoteDomid=${domid} ref=${pages.refs[0]} offset=4 byteLength=8`,
    `grant.copy-to remoteDomid=${domid} ref=${pages.refs[1]} offset=0 byteLength=3`,
    `grant.failed operation=map remoteDomid=${domid} error=${named(trace, 'grant.failed')[0]!.fields.error}`,
    `grant.unmap held=${map!.fields.held}`,
  ])
  expect(named(trace, 'grant.failed')[0]!.fields.error).toMatch(/^GNTST_/)
})

describe('XenStore', () => {
  test('a request and its reply, its error, and a watch event', async () => {
    const { platform: guest, domid } = await world.createGuest()
    await using watch = await guest.xenstore.watch('data/a')
    for await (const _ of watch) break
    recorder.clear()
    await guest.xenstore.write('data/a', '12')
    await expect(guest.xenstore.read('data/none')).rejects.toThrow(XenError)
    expect(await guest.xenstore.tryRead('data/none')).toBeUndefined()
    expect(await guest.xenstore.directory('data')).toEqual(['a'])
    const steps = saidBy(recorder.trace(), domid, 'xenstore.').map((line) => line.replace(/call=\d+/, 'call'))
    expect(steps).toEqual([
      'xenstore.request call transaction=0 operation=write path=data/a value=12',
      'xenstore.reply call outcome=ok value=',
      'xenstore.request call transaction=0 operation=read path=data/none value=',
      'xenstore.reply call outcome=ENOENT value=',
      'xenstore.request call transaction=0 operation=tryRead path=data/none value=',
      'xenstore.reply call outcome=ok value=',
      'xenstore.request call transaction=0 operation=directory path=data value=',
      'xenstore.reply call outcome=ok value=a',
    ])
    const [request, reply] = recorder.trace().steps.filter(({ name }) => /xenstore.re(quest|ply)/.test(name))
    expect(request!.fields).toHaveProperty('call', (reply!.fields as { call: number }).call)
  })

  test('a watch event is a step when it is taken, by either way of watching', async () => {
    const { platform: guest, domid } = await world.createGuest()
    const seen: string[] = []
    await using byCall = await guest.xenstore.onChange('data', (path) => seen.push(path))
    await using byTurns = await guest.xenstore.watch('data')
    for await (const _ of byTurns) break
    await quiet(guest.clock)
    expect(byCall.path).toBe(byTurns.path)
    expect(seen).toEqual(['data'])
    expect(saidBy(recorder.trace(), domid, 'xenstore.watch-event')).toEqual([
      'xenstore.watch-event path=data watched=data',
      'xenstore.watch-event path=data watched=data',
    ])
  })

  test('a transaction that had to be run again tells how often, and one that was given up why', async () => {
    const { platform: guest, domid } = await world.createGuest()
    recorder.clear()
    let runs = 0
    await guest.xenstore.transaction(async (t) => {
      await t.tryRead('data/n')
      if (++runs === 1) await guest.xenstore.write('data/n', 'between')
      await t.write('data/n', 'mine')
    })
    await expect(
      guest.xenstore.transaction(async () => {
        throw new XenError('ABORTED', 'changed my mind')
      }),
    ).rejects.toThrow('changed my mind')
    const trace = recorder.trace()
    expect(named(trace, 'xenstore.transaction-end').map(({ fields }) => [fields.attempts, fields.outcome])).toEqual([
      [2, 'ok'],
      [1, 'ABORTED'],
    ])
    const number = named(trace, 'xenstore.transaction-start')[0]!.fields.transaction
    const inside = named(trace, 'xenstore.request').filter(({ fields }) => fields.transaction === number)
    expect(inside.map(({ fields }) => fields.operation)).toEqual(['tryRead', 'write', 'tryRead', 'write'])
    expect(saidBy(trace, domid, 'xenstore.').length).toBe(
      trace.steps.filter(({ name }) => name.startsWith('xen')).length,
    )
  })

  test('of a long value the beginning is shown', async () => {
    const { platform: guest } = await world.createGuest()
    await guest.xenstore.write('data/long', 'x'.repeat(2000))
    await guest.xenstore.write('data/bytes', new TextEncoder().encode('y'.repeat(2000)))
    const shown = named(recorder.trace(), 'xenstore.request').map(({ fields }) => fields.value.length)
    expect(Math.max(...shown)).toBe(65)
  })
})
