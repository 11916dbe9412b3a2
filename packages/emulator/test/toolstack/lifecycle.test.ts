import type { DomainEnd } from '@split-driver/emulator'
import { describe, expect, test } from 'vitest'
import { boot } from '../boot.js'
import { pass, stateOf } from './life.js'

describe.each(['inline', 'threads', 'simulated'] as const)("a domain's life, %s", (mode) => {
  test('pause keeps events and timers back, nests, and loses nothing', async () => {
    await using host = await boot(mode)
    const { toolstack, dom0 } = host
    const guest = await host.createGuest({ name: 'guest' })
    const port = guest.events.bindUnboundPort(dom0.domid)
    const remote = dom0.events.bindInterdomain(guest.domid, port)
    const seen: string[] = []
    guest.events.listen(port, () => {
      seen.push('event')
      guest.events.eoi(port)
    })
    await pass(host)
    seen.length = 0
    toolstack.pause(guest.domid)
    toolstack.pause(guest.domid)
    dom0.events.notify(remote)
    guest.clock.setTimer(1, () => seen.push('timer'))
    guest.clock.setTimer(1, () => seen.push('cancelled')).cancel()
    const late = guest.clock.setTimer(1, () => seen.push('cancelled while it was paused'))
    await pass(host, 20)
    late.cancel()
    toolstack.unpause(guest.domid)
    await pass(host)
    expect(seen).toEqual([])
    expect(stateOf(host, guest)).toBe('--p---')
    toolstack.unpause(guest.domid)
    await pass(host)
    expect(seen.sort()).toEqual(['event', 'timer'])
    expect(() => toolstack.unpause(guest.domid)).toThrow(/EINVAL/)
    guest.events.unbind(port)
    dom0.events.unbind(remote)
  })

  test('only the control domain may pause another; nobody himself', async () => {
    await using host = await boot(mode)
    const { domid } = await host.toolstack.create({ name: 'guest' })
    const { lifecycle } = host.machine.calls
    expect(() => lifecycle.pause(domid, host.dom0.domid)).toThrow(/EPERM/)
    expect(() => lifecycle.pause(host.dom0.domid, host.dom0.domid)).toThrow(/EINVAL/)
    expect(() => lifecycle.shutdown(domid, domid, 6 as 5)).toThrow(/EINVAL/)
    expect(() => lifecycle.resume(host.dom0.domid, domid, false)).toThrow(/EINVAL/)
    lifecycle.pause(host.dom0.domid, domid)
    lifecycle.unpause(host.dom0.domid, domid)
  })

  test('a domain that is created paused does not run before it is unpaused', async () => {
    await using host = await boot(mode)
    const guest = await host.toolstack.create({ name: 'guest', paused: true })
    let ran = false
    const vcpu = host.toolstack.start(guest, async () => {
      ran = true
    })
    await pass(host)
    expect(ran).toBe(false)
    expect(stateOf(host, guest)).toBe('--p---')
    host.toolstack.unpause(guest.domid)
    expect(await vcpu.exited).toEqual({ how: 'halted' })
    expect(ran).toBe(true)
  })

  test('names are unique among live domains, and free again after the end', async () => {
    await using host = await boot(mode)
    const { toolstack, store } = host
    const one = await toolstack.create({ name: 'one' })
    await expect(toolstack.create({ name: 'one' })).rejects.toThrow(/EEXIST/)
    await expect(toolstack.create({ name: 'Domain-0' })).rejects.toThrow(/EEXIST/)
    await expect(toolstack.create({ name: '' })).rejects.toThrow(/EINVAL/)
    await expect(toolstack.rename(one.domid, 'Domain-0')).rejects.toThrow(/EEXIST/)
    await toolstack.rename(one.domid, 'uno')
    expect(await store.read(`/local/domain/${one.domid}/name`)).toBe('uno')
    const next = await toolstack.create({ name: 'one' })
    expect(['one', 'uno', String(one.domid), 'Domain-0', 'none'].map((name) => toolstack.find(name))).toEqual([
      next.domid,
      one.domid,
      one.domid,
      0,
      undefined,
    ])
    await toolstack.destroy(one.domid)
    await toolstack.create({ name: 'uno' })
  })

  test('a domain destroyed before it stopped has ended, too', async () => {
    await using host = await boot(mode)
    const guest = await host.toolstack.create({ name: 'guest' })
    const ended: Promise<DomainEnd> = host.toolstack.ended(guest.domid)
    await host.toolstack.destroy(guest.domid)
    expect(await ended).toEqual({ domid: guest.domid, name: 'guest', reason: 'destroyed' })
    expect(() => host.toolstack.pause(guest.domid)).toThrow(TypeError)
  })

  test('the list has what xl prints: memory, vcpus, states; vcpus one by one', async () => {
    await using host = await boot(mode)
    const { toolstack } = host
    const guest = await toolstack.create({ name: 'guest', memoryPages: 384, vcpus: 2 })
    toolstack.attach(guest)
    expect(toolstack.list()).toEqual([
      {
        domid: 0,
        name: 'Domain-0',
        uuid: '00000000-0000-4000-8000-000000000000',
        memoryMiB: 4,
        vcpus: 1,
        state: 'r-----',
        cpuSeconds: 0,
      },
      {
        domid: guest.domid,
        name: 'guest',
        uuid: `00000000-0000-4000-8000-00000000000${guest.domid}`,
        memoryMiB: 1.5,
        vcpus: 2,
        state: '-b----',
        cpuSeconds: 0,
      },
    ])
    expect(toolstack.vcpuList().map(({ name, vcpu, state }) => [name, vcpu, state])).toEqual([
      ['Domain-0', 0, 'r--'],
      ['guest', 0, '-b-'],
      ['guest', 1, '---'],
    ])
  })

  test('a domid that comes again inherits nothing: neither a pause, nor a shutdown, nor keys', async () => {
    await using host = await boot(mode)
    const { toolstack, machine } = host
    const guest = await host.createGuest({ name: 'guest', onPoweroff: 'preserve', vcpus: 2 })
    machine.calls.lifecycle.setVcpuUp(guest.domid, 1, true)
    await guest.xenstore.write('data/secret', 'x')
    void guest.hypercalls.sched.shutdown('poweroff')
    await toolstack.ended(guest.domid)
    toolstack.pause(guest.domid)
    await toolstack.destroy(guest.domid)
    machine.memory.words[4] = guest.domid
    const again = await toolstack.create({ name: 'guest', vcpus: 2 })
    expect(again.domid).toBe(guest.domid)
    expect(machine.calls.lifecycle.standing(again.domid)).toMatchObject({ pauses: 0, shutdown: undefined })
    expect(machine.calls.lifecycle.isVcpuUp(again.domid, 1)).toBe(false)
    expect(await toolstack.attach(again).xenstore.tryRead('data/secret')).toBeUndefined()
  })
})
