import {
  HvmParam,
  readVcpuTime,
  readWallClock,
  StartInfo,
  systemTimeAt,
  VcpuInfo,
  VIRQ,
  XenFeature,
} from '@split-driver/abi'
import { EmulatedHost, type EmulatedPlatform } from '@split-driver/emulator'
import { XenstoreServer } from '@split-driver/xenstored'
import { describe, expect, test } from 'vitest'
import { boot } from '../boot.js'
import { pass } from '../toolstack/life.js'

/** Counts the deliveries of a VIRQ. */
const countVirq = (platform: EmulatedPlatform, virq: (typeof VIRQ)[keyof typeof VIRQ]) => {
  const seen = { count: 0, port: platform.events.bindVirq(virq) }
  platform.events.listen(seen.port, (port) => {
    seen.count++
    platform.events.eoi(port)
  })
  return seen
}

describe.each(['inline', 'threads', 'simulated'] as const)('hypercalls of a guest, %s', (mode) => {
  describe('console_io', () => {
    test('what guests write is in the machine’s log, line by line with the domid before', async () => {
      await using host = await boot(mode)
      const [one, two] = [await host.createGuest({ name: 'one' }), await host.createGuest({ name: 'two' })]
      const virq = countVirq(host.dom0, VIRQ.ConRing)
      one.hypercalls.consoleIo.write('hello\nwor')
      one.hypercalls.consoleIo.write('ld')
      two.hypercalls.consoleIo.write('grüße\n')
      one.hypercalls.consoleIo.write('again\n')
      host.dom0.hypercalls.consoleIo.write('from dom0\n')
      expect(host.machine.emergencyConsole.text()).toBe(
        `(d${one.domid}) hello\n(d${one.domid}) world\n(d${two.domid}) grüße\n(d${one.domid}) again\nfrom dom0\n`,
      )
      await pass(host)
      expect(virq.count).toBeGreaterThan(0)
      host.dom0.events.unbind(virq.port)
    })

    test('the log is bounded: the newest 16 KiB stay, the rest is counted', async () => {
      await using host = await boot(mode)
      const { consoleIo } = (await host.createGuest({ name: 'loud' })).hypercalls
      consoleIo.write('x'.repeat(40_000))
      consoleIo.write('the end\n')
      const { emergencyConsole } = host.machine
      expect(emergencyConsole.text()).toHaveLength(16_384)
      expect(emergencyConsole.text().endsWith('xxthe end\n')).toBe(true)
      expect(emergencyConsole.droppedBytes).toBe('(d1) '.length + 40_000 + 'the end\n'.length - 16_384)
    })

    test('what is typed is for the control domain, which hears of it by VIRQ_CONSOLE', async () => {
      await using host = await boot(mode)
      const { consoleIo } = host.dom0.hypercalls
      const virq = countVirq(host.dom0, VIRQ.Console)
      const { emergencyConsole } = host.machine
      expect(consoleIo.read(10)).toEqual(new Uint8Array())
      expect(emergencyConsole.type('reboot\n')).toBe(7)
      await pass(host)
      expect(virq.count).toBe(1)
      expect(new TextDecoder().decode(consoleIo.read(3))).toBe('reb')
      expect(new TextDecoder().decode(consoleIo.read(100))).toBe('oot\n')
      expect(emergencyConsole.type('y'.repeat(5000))).toBe(4096)
      expect(consoleIo.read(5000)).toHaveLength(4096)
      expect(emergencyConsole.type('z')).toBe(1)
      expect(consoleIo.read(5)).toHaveLength(1)
      expect(() => consoleIo.read(-1)).toThrow(RangeError)
      const guest = await host.createGuest({ name: 'guest' })
      expect(() => guest.hypercalls.consoleIo.read(1)).toThrow(/EPERM/)
      host.dom0.events.unbind(virq.port)
    })
  })

  test('xen_version', async () => {
    await using host = await boot(mode)
    const uuid = '01234567-89ab-4def-8123-456789abcdef'
    const guest = await host.createGuest({ name: 'guest', uuid })
    const { version } = guest.hypercalls
    expect([version.version() >> 16, version.version() & 0xffff]).toEqual([4, 17])
    expect(version.extraversion().length).toBeLessThan(16)
    expect(version.capabilities()).toContain('xen-3.0-x86_64')
    expect(version.pageSize()).toBe(4096)
    expect(version.features() & (1 << XenFeature.Dom0)).toBe(0)
    expect(host.dom0.hypercalls.version.features() & (1 << XenFeature.Dom0)).not.toBe(0)
    expect(() => version.features(1)).toThrow(/EINVAL/)
    expect(Buffer.from(version.guestHandle()).toString('hex')).toBe(uuid.replaceAll('-', ''))
    // No matter what the domain maps meanwhile.
    const shared = host.dom0.sharer.share(guest.domid, 1, 'writable')
    guest.mapper.unmap(guest.mapper.map(host.dom0.domid, shared.refs, 'writable'))
    expect(host.dom0.sharer.unshare(shared)).toBe(0)
    expect(Buffer.from(version.guestHandle()).toString('hex')).toBe(uuid.replaceAll('-', ''))
    expect(version.compileInfo().compiler).not.toBe('')
    expect(version.changeset()).toBe('unavailable')
    await expect(host.toolstack.create({ name: 'odd', uuid: 'none' })).rejects.toThrow(RangeError)
    expect(host.toolstack.find('odd')).toBeUndefined()
  })

  test('rule 59: HVM parameters tell the rings that start_info tells', async () => {
    await using host = await boot(mode)
    const { hypercalls, start } = await host.createGuest({ name: 'guest' })
    const { hvm } = hypercalls
    expect(hvm.getParam(HvmParam.StorePfn)).toBe(start.store.frame)
    expect(hvm.getParam(HvmParam.StoreEvtchn)).toBe(start.store.port)
    expect(hvm.getParam(HvmParam.ConsolePfn)).toBe(start.console?.frame)
    expect(hvm.getParam(HvmParam.ConsoleEvtchn)).toBe(start.console?.port)
    expect(() => hvm.getParam(3 as 1)).toThrow(/EINVAL/)
    expect(host.dom0.hypercalls.hvm.getParam(HvmParam.ConsolePfn)).toBe(0)
    const { hvm: calls } = host.machine.calls
    const { domid } = await host.toolstack.create({ name: 'other' })
    expect(() => calls.getParam(domid, host.dom0.domid, HvmParam.StorePfn)).toThrow(/EPERM/)
  })

  test('the pages of the start of day are there to be read, and gone with the domain', async () => {
    await using host = await boot(mode)
    const { hypercalls, start, domid } = await host.createGuest({ name: 'guest', commandLine: 'quiet' })
    const { memory } = hypercalls
    const words = new Int32Array(1024)
    memory.startInfo.copyOut(0, StartInfo.words, words, 0)
    expect(StartInfo.at.cmdLine.get(words, 0)).toBe('quiet')
    expect(StartInfo.at.storeEvtchn.get(words, 0)).toBe(start.store.port)
    await host.toolstack.destroy(domid)
    expect(() => memory.startInfo.load(0)).toThrow(/USE_AFTER_UNMAP/)
  })

  test('vcpus: up, down and which there are', async () => {
    await using host = await boot(mode)
    const { vcpu } = (await host.createGuest({ name: 'guest', vcpus: 3 })).hypercalls
    expect([vcpu.count, vcpu.id]).toEqual([3, 0])
    expect([0, 1, 2].map((n) => vcpu.isUp(n))).toEqual([true, false, false])
    vcpu.up(2)
    expect(vcpu.isUp(2)).toBe(true)
    vcpu.down(2)
    expect(vcpu.isUp(2)).toBe(false)
    expect(() => vcpu.up(3)).toThrow(/ENOENT/)
    expect(() => vcpu.isUp(-1)).toThrow(/ENOENT/)
  })

  test('time: the page of every vcpu and the counter tell system time; the wall clock when it began', async () => {
    await using host = await boot(mode)
    const before = host.machine.clock.now()
    const { hypercalls } = await host.createGuest({ name: 'guest', vcpus: 2 })
    const { sharedInfo } = hypercalls.memory
    const times = [before * 1e6, hypercalls.vcpu.systemTime(), hypercalls.vcpu.tsc(), host.machine.clock.now() * 1e6]
    expect(times).toEqual([...times].sort((a, b) => a - b))
    const second = readVcpuTime(sharedInfo, 1)
    expect(systemTimeAt(second, second.tscTimestamp + 1_000_000)).toBe(second.systemTime + 1_000_000)
    const { seconds } = readWallClock(sharedInfo)
    if (mode === 'simulated') expect(seconds).toBe(946_684_800)
    else expect(Math.abs(seconds - Date.now() / 1000)).toBeLessThan(60)
  })

  describe('the singleshot timer', () => {
    test('raises VIRQ_TIMER once, not before it is due; the last call counts', async () => {
      await using host = await boot(mode)
      const guest = await host.createGuest({ name: 'guest' })
      const { vcpu } = guest.hypercalls
      const virq = countVirq(guest, VIRQ.Timer)
      let rangAt = 0
      guest.events.unbind(virq.port)
      const port = guest.events.bindVirq(VIRQ.Timer)
      guest.events.listen(port, () => {
        rangAt = vcpu.systemTime()
        virq.count++
        guest.events.eoi(port)
      })
      const due = vcpu.systemTime() + 12_000_000
      vcpu.setSingleshotTimer(due + 1e9)
      vcpu.setSingleshotTimer(due)
      await pass(host, 40)
      expect(virq.count).toBe(1)
      expect(rangAt).toBeGreaterThanOrEqual(due)
      vcpu.setSingleshotTimer(vcpu.systemTime() + 5_000_000)
      vcpu.stopSingleshotTimer()
      await pass(host, 20)
      expect(virq.count).toBe(1)
      vcpu.setSingleshotTimer(0)
      await pass(host, 10)
      expect(virq.count).toBe(2)
      vcpu.setSingleshotTimer(vcpu.systemTime() + 1e18)
      await pass(host, 10)
      expect(virq.count).toBe(2)
      guest.events.unbind(port)
    })

    test('waits while the domain is paused', async () => {
      await using host = await boot(mode)
      const guest = await host.createGuest({ name: 'guest' })
      const virq = countVirq(guest, VIRQ.Timer)
      guest.hypercalls.vcpu.setSingleshotTimer(guest.hypercalls.vcpu.systemTime() + 2_000_000)
      host.toolstack.pause(guest.domid)
      await pass(host, 20)
      expect(virq.count).toBe(0)
      host.toolstack.unpause(guest.domid)
      await pass(host)
      expect(virq.count).toBe(1)
      guest.events.unbind(virq.port)
    })
  })

  describe('sched_op', () => {
    test('poll wakes for a masked port, at once for one that is pending, and at its deadline', async () => {
      await using host = await boot(mode)
      const guest = await host.createGuest({ name: 'guest' })
      const { sched, vcpu } = guest.hypercalls
      const [quiet, port] = [guest.events.bindIpi(), guest.events.bindIpi()]
      guest.events.mask(port)
      let polled: boolean | undefined
      const polling = sched.poll([quiet, port]).then((any) => {
        polled = any
      })
      await pass(host)
      expect(polled).toBeUndefined()
      guest.events.notify(port)
      await polling
      expect(polled).toBe(true)
      expect(await sched.poll([port])).toBe(true)
      const deadline = vcpu.systemTime() + 10_000_000
      expect(await sched.poll([quiet], deadline)).toBe(false)
      expect(vcpu.systemTime()).toBeGreaterThanOrEqual(deadline)
      await expect(sched.poll([4000 as typeof port])).rejects.toThrow(/EINVAL/)
      await expect(sched.poll(Array.from({ length: 129 }, () => port))).rejects.toThrow(/EINVAL/)
      guest.events.unbind(quiet)
      guest.events.unbind(port)
    })

    test('a poll ends with an error when its port is closed meanwhile', async () => {
      await using host = await boot(mode)
      const guest = await host.createGuest({ name: 'guest' })
      const [port, other] = [guest.events.bindIpi(), guest.events.bindIpi()]
      const polling = guest.hypercalls.sched.poll([port])
      guest.events.unbind(port)
      guest.events.notify(other)
      await expect(polling).rejects.toThrow(/EINVAL/)
      guest.events.unbind(other)
    })

    test('block ends with an event that is not masked', async () => {
      await using host = await boot(mode)
      const guest = await host.createGuest({ name: 'guest' })
      await pass(host)
      const port = guest.events.bindIpi()
      guest.events.listen(port, () => guest.events.eoi(port))
      let blocked = true
      const block = guest.hypercalls.sched.block().then(() => {
        blocked = false
      })
      await pass(host)
      expect(blocked).toBe(true)
      guest.events.notify(port)
      await block
      guest.events.unbind(port)
    })

    test('block ends at once if an event is pending', async () => {
      await using host = await boot(mode)
      const { hypercalls } = await host.createGuest({ name: 'guest' })
      hypercalls.memory.sharedInfo.store8(VcpuInfo.at.evtchnUpcallPending.offset, 1)
      await hypercalls.sched.block()
      expect(hypercalls.sched.blocking).toBeUndefined()
    })

    test('yield lets others have their turn', async () => {
      await using host = await boot(mode)
      const { hypercalls } = await host.createGuest({ name: 'guest' })
      let turns = 0
      const other = new Promise<void>((resolve) => setImmediate(() => resolve(void turns++)))
      await hypercalls.sched.yield()
      await other
      expect(turns).toBe(1)
    })
  })
})

test('a domain that stopped is told to the control domain by VIRQ_DOM_EXC', async () => {
  await using host = await EmulatedHost.boot({ memoryMiB: 32, xenstored: (dom0) => new XenstoreServer(dom0) })
  const virq = countVirq(host.dom0, VIRQ.DomExc)
  const guest = await host.createGuest({ name: 'guest', onPoweroff: 'preserve' })
  const ended = host.toolstack.ended(guest.domid)
  void guest.hypercalls.sched.shutdown('poweroff')
  await ended
  await pass(host)
  expect(virq.count).toBe(1)
  host.dom0.events.unbind(virq.port)
})
