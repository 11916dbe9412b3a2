import {
  type Port,
  readVcpuTime,
  readWallClock,
  SharedInfo,
  SharedInfo32,
  START_INFO_MAGIC_32,
  StartInfo32,
  systemTimeAt,
} from '@split-driver/abi'
import {
  type AttachOptions,
  type EmulatedPlatform,
  Inspection,
  Machine,
  type MachineMode,
} from '@split-driver/emulator'
import { startWorkerThread } from '@split-driver/emulator/node'
import { describe, expect, test } from 'vitest'
import { boot } from '../boot.js'
import { settle } from '../pair.js'
import { pass } from '../toolstack/life.js'
import { channel, codeOf } from '../two-vcpus.js'

/** A control domain of 64 bits and a guest of 32. */
const mixed = (mode: MachineMode = 'inline', attaching: AttachOptions = {}, vcpus = 1) => {
  const machine = Machine.create({ mode, memoryMiB: 32, attaching })
  const dom0 = machine.attach(machine.buildControlDomain().domid)
  const guest = machine.attach(machine.buildGuest({ wordBits: 32, vcpus }).domid)
  return { machine, dom0, guest }
}

/** Counts what comes to a port. */
const listen = ({ events }: Pick<EmulatedPlatform, 'events'>, port: Port) => {
  const seen = { count: 0 }
  events.listen(port, () => {
    seen.count++
    events.eoi(port)
  })
  return seen
}

/** Opens ports until there is none left. */
const openAll = (guest: EmulatedPlatform): Port[] => {
  const ports: Port[] = []
  for (;;) {
    if (codeOf(() => ports.push(guest.events.bindIpi())) !== 'nothing thrown') return ports
  }
}

describe.each(['inline', 'threads', 'simulated'] as const)(
  'a 32-bit guest beside a 64-bit control domain, %s',
  (mode) => {
    test.each(['two-level', 'fifo'] as const)('rule 62: events go both ways, %s', async (eventAbi) => {
      await using host = await boot(mode, { eventAbi })
      const guest = await host.createGuest({ name: 'guest', wordBits: 32 })
      // Beyond the first word, so that the selector's bits of the two widths differ.
      const others = Array.from({ length: 70 }, () => guest.events.bindIpi())
      const { offered, bound } = channel(host.dom0, guest)
      const [here, there] = [listen(guest, offered), listen(host.dom0, bound)]
      await pass(host)
      expect([here.count, there.count]).toEqual([0, 1])
      for (let round = 1; round <= 20; round++) {
        host.dom0.events.notify(bound)
        guest.events.notify(offered)
        await pass(host, 1)
        expect([here.count, there.count]).toEqual([round, 1 + round])
      }
      host.dom0.events.unbind(bound)
      for (const port of [...others, offered]) guest.events.unbind(port)
    })

    test('its pages are laid out by its own width: start of day, time of each vcpu, wall clock', async () => {
      await using host = await boot(mode)
      const guest = await host.createGuest({ name: 'guest', wordBits: 32, vcpus: 2, commandLine: 'quiet' })
      const { memory, vcpu } = guest.hypercalls
      const words = new Int32Array(1024)
      memory.startInfo.copyOut(0, StartInfo32.words, words, 0)
      const { start } = guest
      expect(start.wordBits).toBe(32)
      expect(StartInfo32.read(words)).toMatchObject({
        magic: START_INFO_MAGIC_32,
        nrPages: start.pages,
        sharedInfo: start.sharedInfo * 4096,
        storeMfn: start.store.frame,
        storeEvtchn: start.store.port,
        consoleMfn: start.console?.frame,
        consoleEvtchn: start.console?.port,
        cmdLine: 'quiet',
      })
      const second = readVcpuTime(memory.sharedInfo, 1)
      expect(systemTimeAt(second, second.tscTimestamp + 1_000_000)).toBe(second.systemTime + 1_000_000)
      expect(vcpu.systemTime()).toBeGreaterThanOrEqual(second.systemTime)
      const { seconds } = readWallClock(memory.sharedInfo, SharedInfo32)
      expect(seconds).toBe(readWallClock(host.dom0.hypercalls.memory.sharedInfo, SharedInfo).seconds)
      expect(seconds).toBeGreaterThan(900_000_000)
    })

    test('block and poll end with its events', async () => {
      await using host = await boot(mode)
      const guest = await host.createGuest({ name: 'guest', wordBits: 32 })
      const { sched } = guest.hypercalls
      await pass(host)
      const [port, masked] = [guest.events.bindIpi(), guest.events.bindIpi()]
      guest.events.mask(masked)
      const seen = listen(guest, port)
      const [block, poll] = [sched.block(), sched.poll([masked])]
      guest.events.notify(port)
      guest.events.notify(masked)
      await block
      expect(await poll).toBe(true)
      await pass(host)
      expect(seen.count).toBe(1)
      for (const each of [port, masked]) guest.events.unbind(each)
    })
  },
)

/** A 32-bit guest's page, decoded; and the one bit of `port` in each of its bitmaps. */
const pageOf = (guest: EmulatedPlatform, port: Port) => {
  const words = new Int32Array(1024)
  guest.hypercalls.memory.sharedInfo.copyOut(0, words.length, words, 0)
  const page = SharedInfo32.read(words)
  const bit = (of: readonly number[]) => (of[port >> 5]! >>> (port & 31)) & 1
  const pendingBits = page.evtchnPending.filter((word) => word !== 0).length
  return { page, pending: bit(page.evtchnPending), masked: bit(page.evtchnMask), pendingBits }
}

describe('xen.h shared_info, 32-bit', () => {
  test('a pending bit, its mask and its selector lie where that guest looks for them', async () => {
    const { guest } = mixed()
    const port = openAll(guest).at(-1)!
    const seen = listen(guest, port)
    await settle()
    guest.events.notify(port)
    const { page, ...bits } = pageOf(guest, port)
    expect(bits).toEqual({ pending: 1, masked: 0, pendingBits: 1 })
    expect(page.vcpuInfo[0]).toMatchObject({ evtchnUpcallPending: 1, evtchnPendingSel: 0x8000_0000 })
    await settle()
    expect(seen.count).toBe(1)
    expect(pageOf(guest, port)).toMatchObject({ pending: 0, page: { vcpuInfo: { 0: { evtchnPendingSel: 0 } } } })
  })

  test('each vcpu has a selector of its own', async () => {
    const { machine, guest } = mixed('inline', {}, 2)
    using second = machine.attachVcpu(guest.domid, 1)
    const others = Array.from({ length: 40 }, () => guest.events.bindIpi())
    const port = second.events.bindIpi()
    const seen = listen(second, port)
    await settle()
    guest.events.notify(port)
    const { page } = pageOf(guest, port)
    expect([port, ...page.vcpuInfo.slice(0, 2).map((vcpu) => vcpu.evtchnPendingSel)]).toEqual([43, 0, 2])
    await settle()
    expect([others.length, seen.count]).toEqual([40, 1])
    expect(second.hypercalls.vcpu.systemTime()).toBeGreaterThan(0)
  })

  test('what the hypervisor unmasks, closes and looks at is the bit of that page', () => {
    const { machine, guest } = mixed()
    const port = openAll(guest).at(-1)!
    const look = () => new Inspection(machine).port(guest.domid, port)
    expect(look()).toMatchObject({ pending: false, masked: true })
    guest.events.notify(port)
    expect(look()).toMatchObject({ pending: true, masked: true })
    machine.calls.channels.unmask(guest.domid, port)
    expect(look()).toMatchObject({ pending: true, masked: false })
    expect(pageOf(guest, port)).toMatchObject({ pending: 1, masked: 0 })
    guest.events.unbind(port)
    expect(pageOf(guest, port)).toMatchObject({ pending: 0, pendingBits: 0 })
  })

  test('the clocks of all vcpus and the machine leave what lies between to the guest', () => {
    const { guest } = mixed()
    const { page } = pageOf(guest, 1 as Port)
    expect(page.arch).toEqual({ ...page.arch, maxPfn: 0, pfnToMfnFrameListList: 0, nmiReason: 0, p2mCr3: 0 })
    expect(page.wcVersion).toBe(2)
  })
})

describe('event_channel.h EVTCHN_2L_NR_CHANNELS, 32-bit', () => {
  test('port 1023 is the last; one that is closed can be had again', () => {
    const { guest } = mixed()
    const ports = openAll(guest)
    expect([ports.at(-1), ports.length]).toEqual([1023, 1023 - 2])
    expect(codeOf(() => guest.events.bindIpi())).toBe('ENOSPC')
    guest.events.unbind(ports[500]!)
    expect(guest.events.bindIpi()).toBe(ports[500])
  })

  test('its control domain, of 64 bits, goes on to 4095; one of 32 bits does not', () => {
    expect(openAll(mixed().dom0).at(-1)).toBe(4095)
    const machine = Machine.create({ memoryMiB: 32 })
    const dom0 = machine.attach(machine.buildControlDomain({ wordBits: 32 }).domid)
    expect([dom0.start.privileged, dom0.start.wordBits, openAll(dom0).at(-1)]).toEqual([true, 32, 1023])
  })

  test('FIFO knows no width: more ports than 1023, each of which is heard', async () => {
    const { guest } = mixed('inline', { eventAbi: 'fifo' })
    const ports = Array.from({ length: 1500 }, () => guest.events.bindIpi())
    const seen = listen(guest, ports.at(-1)!)
    guest.events.notify(ports.at(-1)!)
    await settle()
    expect([ports.at(-1), seen.count]).toEqual([1502, 1])
  })

  test('what is pending when the guest goes over to FIFO is pending there, up to the last port', () => {
    const { machine, guest } = mixed()
    const ports = openAll(guest)
    const pending = [ports[60]!, ports.at(-1)!]
    for (const port of pending) guest.events.notify(port)
    const { eventControl } = machine.calls
    eventControl.initControl(guest.domid, { vcpu: 0, frame: guest.start.store.frame + 10, offset: 0 })
    eventControl.expandArray(guest.domid, guest.start.store.frame + 11)
    const inspection = new Inspection(machine)
    expect(ports.filter((port) => inspection.port(guest.domid, port)?.pending)).toEqual(pending)
  })
})

test('a guest in a thread of its own learns its width from its domain', async () => {
  const machine = Machine.create({ mode: 'threads', memoryMiB: 32 })
  const dom0 = machine.attach(machine.buildControlDomain().domid)
  const { domid } = machine.buildGuest({ wordBits: 32 })
  const { port1, port2 } = new MessageChannel()
  const vcpu = startWorkerThread({
    machine,
    domid,
    program: { href: new URL('../programs/echo-events.mjs', import.meta.url).href },
    argument: { peer: dom0.domid, answer: port2 },
    transfer: [port2],
  })
  const offered = await new Promise<Port>((resolve) => {
    port1.onmessage = ({ data }) => resolve(data.port)
  })
  port1.close()
  const port = dom0.events.bindInterdomain(domid, offered)
  let left = 500
  await new Promise<void>((resolve) => {
    dom0.events.listen(port, () => {
      dom0.events.eoi(port)
      if (left-- > 0) dom0.events.notify(port)
      else resolve()
    })
  })
  dom0.events.unbind(port)
  vcpu.shutdown()
  expect(await vcpu.exited).toEqual({ how: 'halted' })
  expect(machine.ledger()).toEqual([])
})

test('a guest that goes on afresh has the width that it had', () => {
  const { machine, dom0, guest } = mixed()
  const [{ domid }, { seconds }] = [guest, readWallClock(guest.hypercalls.memory.sharedInfo, SharedInfo32)]
  machine.calls.lifecycle.pause(dom0.domid, domid)
  guest.revoke()
  expect(machine.renewGuest(domid).wordBits).toBe(32)
  const renewed = machine.attach(domid)
  expect(renewed.start.wordBits).toBe(32)
  expect(readWallClock(renewed.hypercalls.memory.sharedInfo, SharedInfo32).seconds).toBe(seconds)
})

test('there are no widths but 32 and 64, and nothing is left of what was refused', () => {
  const machine = Machine.create({ memoryMiB: 32 })
  for (const wordBits of [0, 16, 33, 128, Number.NaN] as 32[])
    expect(() => machine.buildGuest({ wordBits })).toThrow(RangeError)
  expect(machine.xen.domains.list()).toEqual([])
  expect(machine.buildGuest({ wordBits: 64 }).start.wordBits).toBe(64)
  expect(machine.buildGuest().start.wordBits).toBe(64)
})
