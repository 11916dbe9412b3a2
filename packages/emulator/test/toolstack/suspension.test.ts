import type { GrantRef } from '@split-driver/abi'
import type { EmulatedHost, EmulatedPlatform, Program, Resumption } from '@split-driver/emulator'
import { describe, expect, test } from 'vitest'
import { boot } from '../boot.js'
import { pass } from './life.js'

/** A guest that can be suspended; `on` are the platforms that it ran on, in turn. */
const suspendable = async (host: EmulatedHost, prepare: Program = async () => {}) => {
  const guest = await host.toolstack.create({ name: 'guest', commandLine: 'quiet' })
  const on: Resumption[] = []
  const vcpu = host.toolstack.start(guest, async (context) => {
    on.push({ how: 'cancelled', platform: context.platform })
    context.onSuspend(async (suspend) => {
      on.push(await suspend())
    })
    await prepare(context)
    await new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve()))
  })
  await pass(host)
  return { guest, vcpu, on }
}

describe.each([
  ['inline', {}],
  ['threads', {}],
  ['simulated', {}],
  ['inline', { eventAbi: 'fifo', grantVersion: 2 }],
] as const)('suspension, %s %o', (mode, attaching) => {
  test('cancelled: everything stays open, and what came meanwhile is delivered', async () => {
    await using host = await boot(mode, attaching)
    const { toolstack, dom0, store } = host
    const seen: string[] = []
    let platform!: EmulatedPlatform
    const { guest, on } = await suspendable(host, async (context) => {
      platform = context.platform
    })
    const port = platform.events.bindUnboundPort(dom0.domid)
    const remote = dom0.events.bindInterdomain(guest.domid, port)
    platform.events.listen(port, () => {
      seen.push('event')
      platform.events.eoi(port)
    })
    const shared = platform.sharer.share(dom0.domid, 1, 'writable')
    await pass(host)
    expect(await store.read(`/local/domain/${guest.domid}/control/feature-suspend`)).toBe('1')
    await toolstack.suspend(guest.domid)
    expect(toolstack.list()[1]).toMatchObject({ state: '---s--', shutdownReason: 'suspend' })
    seen.length = 0
    dom0.events.notify(remote)
    await pass(host)
    expect(seen).toEqual([])
    await toolstack.resume(guest.domid, 'cancelled')
    await pass(host)
    expect(seen).toEqual(['event'])
    expect(on.map(({ how }) => how)).toEqual(['cancelled', 'cancelled'])
    expect(on[1]!.platform).toBe(platform)
    shared.memory.store(0, 1)
    await platform.xenstore.write('data/still', 'here')
    platform.sharer.unshare(shared)
    platform.events.unbind(port)
    dom0.events.unbind(remote)
  })

  test('afresh: new ports, nothing open, another start-of-day page; the old platform is no more', async () => {
    await using host = await boot(mode, attaching)
    const { toolstack, dom0, machine, store } = host
    let remote: ReturnType<typeof dom0.events.bindInterdomain> | undefined
    const { guest, on } = await suspendable(host, async ({ platform }) => {
      remote = dom0.events.bindInterdomain(platform.domid, platform.events.bindUnboundPort(dom0.domid))
      platform.sharer.share(dom0.domid, 3, 'writable')
      await platform.xenstore.watch('data')
      // So that the ports of the start of day are not the lowest that are free afterwards.
      platform.events.bindIpi()
    })
    const device = await toolstack.attachDevice(guest, { type: 'toy', id: 1, backendKeys: { colour: 'blue' } })
    await store.write(`${device.backendPath}/state`, '4')
    await toolstack.suspend(guest.domid)
    const old = on[0]!.platform
    await toolstack.resume(guest.domid, 'afresh')
    await pass(host)
    const { how, platform } = on[1]!
    expect(how).toBe('afresh')
    expect(platform).not.toBe(old)
    expect(() => old.events.bindIpi()).toThrow(/ESRCH/)
    expect(() => old.events.notify(old.start.store.port)).toThrow(/ESRCH/)
    expect(() => old.mapper.map(dom0.domid, [1 as GrantRef], 'writable')).toThrow(/ESRCH/)
    expect(() => old.sharer.share(dom0.domid, 1, 'writable')).toThrow(/ESRCH/)
    expect(platform.start).toMatchObject({ commandLine: 'quiet', pages: old.start.pages })
    expect(await store.read(`/local/domain/${guest.domid}/store/port`)).toBe(String(platform.start.store.port))
    expect(await store.read(`/local/domain/${guest.domid}/console/port`)).toBe(String(platform.start.console?.port))
    expect(await platform.xenstore.read('name')).toBe('guest')
    await platform.xenstore.write('data/again', 'here')
    expect(await store.read(`${device.backendPath}/colour`)).toBe('blue')
    expect(await store.read(`${device.backendPath}/state`)).toBe('1')
    const shared = platform.sharer.share(dom0.domid, 1, 'writable')
    dom0.mapper.unmap(dom0.mapper.map(guest.domid, shared.refs, 'writable'))
    platform.sharer.unshare(shared)
    dom0.events.unbind(remote!)
    expect(machine.ledger()).toEqual([])
  })

  test('afresh waits until backends have let go of every page', async () => {
    await using host = await boot(mode, attaching)
    const { toolstack, dom0 } = host
    let platform!: EmulatedPlatform
    const { guest, on } = await suspendable(host, async (context) => {
      platform = context.platform
    })
    const { refs } = platform.sharer.share(dom0.domid, 1, 'writable')
    const mapping = dom0.mapper.map(guest.domid, refs, 'writable')
    await toolstack.suspend(guest.domid)
    const resumed = toolstack.resume(guest.domid, 'afresh')
    await pass(host, 50)
    expect(on).toHaveLength(1)
    dom0.mapper.unmap(mapping)
    await resumed
    await pass(host)
    expect(on[1]?.how).toBe('afresh')
  })

  test('twice afresh, and then a shutdown in order; a domain that was never suspended is not resumed', async () => {
    await using host = await boot(mode, attaching)
    const { toolstack, machine } = host
    const { guest, on } = await suspendable(host)
    await expect(toolstack.resume(guest.domid, 'cancelled')).rejects.toThrow(/EINVAL.*it runs/)
    await toolstack.suspend(guest.domid)
    await toolstack.resume(guest.domid, 'afresh')
    await pass(host)
    expect(on).toHaveLength(2)
    await toolstack.destroy(guest.domid)
    expect(() => on[1]!.platform.events.bindIpi()).toThrow(/ESRCH/)
    expect(machine.ledger()).toEqual([])
  })

  test('a guest that cannot be suspended does not acknowledge; one that stops instead is not suspended', async () => {
    await using host = await boot(mode, attaching)
    const { toolstack } = host
    const deaf = await host.createGuest({ name: 'deaf' })
    await expect(toolstack.suspend(deaf.domid, { acknowledgeMilliseconds: 30 })).rejects.toThrow(/ABORTED/)
    const other = await toolstack.create({ name: 'other', onPoweroff: 'preserve' })
    toolstack.start(other, async (context) => {
      context.onSuspend(() => context.platform.hypercalls.sched.shutdown('poweroff'))
      await new Promise(() => {})
    })
    await pass(host)
    await expect(toolstack.suspend(other.domid)).rejects.toThrow(/EINVAL.*stopped for poweroff/)
    await expect(toolstack.resume(other.domid, 'cancelled')).rejects.toThrow(/EINVAL/)
  })
})
