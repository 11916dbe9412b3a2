import { DOMID_SELF, type Domid, type Port, VIRQ } from '@split-driver/abi'
import { describe, expect, test } from 'vitest'
import { boot, channel, codeOf } from '../two-vcpus.js'

describe('each errno that Xen 4.17 answers with', () => {
  const self = DOMID_SELF
  const nobody = 0x7abc as Domid
  const free = 100 as Port
  const noPort = 5000 as Port

  test('alloc_unbound: ESRCH EPERM ENOSPC, EINVAL for a dying domain', () => {
    const { dom0, guest, calls } = boot({ maxEventChannels: 3 })
    const { channels } = calls
    expect(codeOf(() => channels.allocUnbound(dom0.domid, nobody, self))).toBe('ESRCH')
    expect(codeOf(() => channels.allocUnbound(guest.domid, dom0.domid, self))).toBe('EPERM')
    expect(channels.allocUnbound(dom0.domid, guest.domid, self)).toBe(3)
    expect(codeOf(() => channels.allocUnbound(guest.domid, self, self))).toBe('ENOSPC')
    calls.domains.kill(guest.domid)
    expect(codeOf(() => channels.allocUnbound(dom0.domid, guest.domid, self))).toBe('EINVAL')
  })

  test('bind_interdomain: ESRCH EINVAL ENOSPC; a port of the caller’s own, but not the one being opened', () => {
    const { dom0, guest, calls } = boot()
    const { channels } = calls
    expect(codeOf(() => channels.bindInterdomain(guest.domid, nobody, 1 as Port))).toBe('ESRCH')
    expect(codeOf(() => channels.bindInterdomain(guest.domid, dom0.domid, noPort))).toBe('EINVAL')
    const next = channels.bindIpi(guest.domid)
    channels.close(guest.domid, next)
    expect(codeOf(() => channels.bindInterdomain(guest.domid, self, next))).toBe('EINVAL')
    const offered = channels.allocUnbound(guest.domid, self, self)
    const bound = channels.bindInterdomain(guest.domid, self, offered)
    expect(channels.status(guest.domid, self, offered)).toMatchObject({ is: 'interdomain', remotePort: bound })
  })

  test('bind_virq: EINVAL ENOENT EEXIST; each vcpu has its own timer, a global one is vcpu 0’s', () => {
    const { guest, calls } = boot()
    const bind = (virq: number, vcpu: number) => calls.channels.bindVirq(guest.domid, virq as never, vcpu)
    expect(codeOf(() => bind(24, 0))).toBe('EINVAL')
    expect(codeOf(() => bind(VIRQ.DomExc, 1))).toBe('EINVAL')
    expect(codeOf(() => bind(VIRQ.Timer, 2))).toBe('ENOENT')
    expect([bind(VIRQ.Timer, 0), bind(VIRQ.Timer, 1)]).toEqual([3, 4])
    expect(codeOf(() => bind(VIRQ.Timer, 1))).toBe('EEXIST')
  })

  test('bind_ipi, bind_vcpu: ENOENT EINVAL', () => {
    const { guest, calls } = boot()
    const { channels } = calls
    expect(codeOf(() => channels.bindIpi(guest.domid, 2))).toBe('ENOENT')
    const ipi = channels.bindIpi(guest.domid, 1)
    const timer = channels.bindVirq(guest.domid, VIRQ.Timer, 1)
    const global = channels.bindVirq(guest.domid, VIRQ.Console)
    expect(codeOf(() => channels.bindVcpu(guest.domid, global, 2))).toBe('ENOENT')
    for (const port of [ipi, timer, free, noPort, 0 as Port])
      expect(codeOf(() => channels.bindVcpu(guest.domid, port, 0))).toBe('EINVAL')
    channels.bindVcpu(guest.domid, global, 1)
    expect(channels.status(guest.domid, self, global)).toEqual({ is: 'virq', vcpu: 1, virq: VIRQ.Console })
  })

  test('close, send, unmask: EINVAL; unmask of a port that could be open is nothing', () => {
    const { guest, calls } = boot()
    const { channels } = calls
    const virq = channels.bindVirq(guest.domid, VIRQ.Debug)
    for (const port of [free, noPort, 0 as Port, -1 as Port]) {
      expect(codeOf(() => channels.close(guest.domid, port))).toBe('EINVAL')
      expect(codeOf(() => channels.send(guest.domid, port))).toBe('EINVAL')
    }
    expect(codeOf(() => channels.send(guest.domid, virq))).toBe('EINVAL')
    expect(codeOf(() => channels.unmask(guest.domid, noPort))).toBe('EINVAL')
    channels.unmask(guest.domid, free)
  })

  test('status: ESRCH EINVAL EPERM', () => {
    const { dom0, guest, calls } = boot()
    const { channels } = calls
    expect(codeOf(() => channels.status(dom0.domid, nobody, free))).toBe('ESRCH')
    expect(codeOf(() => channels.status(dom0.domid, guest.domid, noPort))).toBe('EINVAL')
    expect(codeOf(() => channels.status(guest.domid, dom0.domid, 1 as Port))).toBe('EPERM')
    expect(channels.status(dom0.domid, guest.domid, free)).toEqual({ is: 'closed', vcpu: 0 })
    expect(channels.status(dom0.domid, guest.domid, 1 as Port)).toMatchObject({ is: 'unbound', remoteDomid: 0 })
  })

  test('init_control, expand_array, set_priority: ENOENT EINVAL EOPNOTSUPP ENOSYS EACCES ENOSPC', () => {
    const { guest, calls } = boot()
    const { eventControl: control, channels } = calls
    const page = guest.start.store.frame + 2
    const at = (vcpu: number, frame: number, offset: number) => () =>
      control.initControl(guest.domid, { vcpu, frame, offset })
    expect(codeOf(() => control.expandArray(guest.domid, page))).toBe('EOPNOTSUPP')
    expect(codeOf(() => control.setPriority(guest.domid, 1 as Port, 0))).toBe('ENOSYS')
    expect(codeOf(at(2, page, 0))).toBe('ENOENT')
    for (const bad of [at(0, page, 4), at(0, page, 4032), at(0, guest.start.sharedInfo, 0), at(0, 0, 0)])
      expect(codeOf(bad)).toBe('EINVAL')
    at(0, page, 4024)()
    expect(codeOf(at(0, page, 0))).toBe('EINVAL')
    expect(codeOf(() => control.expandArray(guest.domid, guest.start.sharedInfo))).toBe('EINVAL')
    for (let i = 1; i <= 128; i++) control.expandArray(guest.domid, page + i)
    expect(codeOf(() => control.expandArray(guest.domid, page))).toBe('ENOSPC')
    expect(codeOf(() => control.setPriority(guest.domid, free, 0))).toBe('EACCES')
    expect(codeOf(() => control.setPriority(guest.domid, noPort, 0))).toBe('EINVAL')
    expect(codeOf(() => control.setPriority(guest.domid, 1 as Port, 16))).toBe('EINVAL')
    expect(codeOf(() => channels.isPending(guest.domid, free))).toBe('EINVAL')
  })

  test('reset: ESRCH EPERM EINVAL; it closes all and goes back to two levels', () => {
    const { dom0, guest, calls } = boot({ eventAbi: 'fifo' })
    const { eventControl: control, channels, lifecycle } = calls
    const { bound } = channel(dom0, guest)
    expect(codeOf(() => control.reset(dom0.domid, nobody))).toBe('ESRCH')
    expect(codeOf(() => control.reset(guest.domid, dom0.domid))).toBe('EPERM')
    expect(codeOf(() => control.reset(dom0.domid, guest.domid))).toBe('EINVAL')
    lifecycle.pause(dom0.domid, guest.domid)
    control.reset(dom0.domid, guest.domid)
    expect(channels.status(dom0.domid, self, bound)).toMatchObject({ is: 'unbound', remoteDomid: guest.domid })
    expect(control.abiOf(guest.domid, 0)).toEqual({ abi: 'two-level', control: undefined })
  })
})

test('a guest that keeps its ports by itself makes the same calls by hypercalls.eventChannel', () => {
  const { machine, dom0, guest } = boot()
  const [near, far] = [dom0.hypercalls.eventChannel, guest.hypercalls.eventChannel]
  const offered = far.allocUnbound(DOMID_SELF, dom0.domid)
  const bound = near.bindInterdomain(guest.domid, offered)
  near.send(bound)
  far.unmask(offered)
  far.bindVcpu(offered, 1)
  expect(far.status(DOMID_SELF, offered)).toEqual({ is: 'interdomain', vcpu: 1, remoteDomid: 0, remotePort: bound })
  far.close(far.bindIpi(1))
  far.close(far.bindVirq(VIRQ.Timer, 1))
  const page = guest.start.store.frame + 2
  far.initControl({ vcpu: 0, frame: page, offset: 0 })
  far.expandArray(page + 1)
  far.setPriority(offered, 3)
  far.close(offered)
  expect(near.status(DOMID_SELF, bound)).toMatchObject({ is: 'unbound', remoteDomid: guest.domid })
  near.close(bound)
  expect(machine.ledger()).toEqual([])
  near.reset(DOMID_SELF)
  expect(codeOf(() => near.close(1 as Port))).toBe('EINVAL')
})
