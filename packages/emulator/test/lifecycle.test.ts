import type { DomainEnd, EmulatedHost, Guest, Program, ShutdownAction } from '@split-driver/emulator'
import { describe, expect, test } from 'vitest'
import { boot } from './boot.js'

/** Runs until it is asked to stop. */
const idle: Program = ({ signal }) =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve())
  })

const crash: Program = async () => {
  throw new Error('as it was told')
}

/** Lets everything happen that is due within some milliseconds of the machine's time. */
const pass = ({ machine }: EmulatedHost, milliseconds = 5): Promise<void> =>
  new Promise((resolve) => machine.clock.setTimer(milliseconds, resolve))

const stateOf = ({ toolstack }: EmulatedHost, { domid }: Pick<Guest, 'domid'>) =>
  toolstack.list().find((line) => line.domid === domid)?.state

/** The next time that `event` is told. */
const next = <T>({ toolstack }: EmulatedHost, event: 'restarted' | 'coredump' | 'policyFailed'): Promise<T> =>
  new Promise((resolve) => toolstack.events.once(event, (told: unknown) => resolve(told as T)))

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

  test('control/shutdown: the program is asked, the request acknowledged, and the domain destroyed', async () => {
    await using host = await boot(mode)
    const { toolstack, store, machine } = host
    const guest = await toolstack.create({ name: 'guest' })
    expect(stateOf(host, guest)).toBe('--p---')
    let request: unknown
    toolstack.start(guest, async (context) => {
      await idle(context)
      request = context.shutdownRequest
      expect(await context.platform.xenstore.read('control/shutdown')).toBe('')
    })
    await pass(host)
    expect(stateOf(host, guest)).toBe('-b----')
    expect(await store.read(`/local/domain/${guest.domid}/control/feature-poweroff`)).toBe('1')
    const ended = toolstack.ended(guest.domid)
    await toolstack.shutdown(guest.domid)
    expect(await ended).toEqual({ domid: guest.domid, name: 'guest', reason: 'poweroff' })
    expect(request).toBe('poweroff')
    expect(toolstack.domids).toEqual([])
    expect(await store.directory('/local/domain')).toEqual(['0'])
    expect(machine.ledger()).toEqual([])
  })

  test('a guest that does not acknowledge in time keeps running, and the request is taken back', async () => {
    await using host = await boot(mode)
    const { toolstack, store } = host
    const guest = await host.createGuest({ name: 'deaf' })
    const asked = toolstack.shutdown(guest.domid, { acknowledgeMilliseconds: 40 })
    await pass(host, 10)
    expect(await store.read(`/local/domain/${guest.domid}/control/shutdown`)).toBe('poweroff')
    await expect(toolstack.reboot(guest.domid)).rejects.toThrow(/EBUSY/)
    await expect(asked).rejects.toThrow(/ABORTED.*did not acknowledge poweroff/)
    expect(await store.read(`/local/domain/${guest.domid}/control/shutdown`)).toBe('')
    expect(stateOf(host, guest)).toBe('-b----')
  })

  test('a guest that is destroyed while it is asked needs not answer', async () => {
    await using host = await boot(mode)
    const guest = await host.createGuest({ name: 'deaf' })
    const asked = host.toolstack.shutdown(guest.domid)
    await pass(host)
    await host.toolstack.destroy(guest.domid)
    await asked
  })

  test('reboot: a domain of the same configuration, with its devices and a new argument', async () => {
    await using host = await boot(mode)
    const { toolstack, store, machine } = host
    const guest = await toolstack.create({ name: 'guest', memoryPages: 64, commandLine: 'quiet' })
    await toolstack.attachDevice(guest, { type: 'toy', id: 1, backendKeys: { colour: 'blue' } })
    const gone = await toolstack.attachDevice(guest, { type: 'toy', id: 2 })
    await gone.remove()
    const runs: unknown[] = []
    const program: Program = async (context) => {
      const { commandLine, pages } = context.platform.start
      runs.push({ argument: context.argument, commandLine, pages })
      await idle(context)
    }
    toolstack.start(guest, program, { argument: 'first', renewArgument: () => ({ argument: 'again' }) })
    await pass(host)
    const restarted = next<{ domid: number; previous: number }>(host, 'restarted')
    await toolstack.reboot(guest.domid)
    const { domid, previous } = await restarted
    expect([previous, domid]).toEqual([guest.domid, guest.domid + 1])
    await pass(host)
    expect(runs).toEqual([
      { argument: 'first', commandLine: 'quiet', pages: 64 },
      { argument: 'again', commandLine: 'quiet', pages: 64 },
    ])
    expect(toolstack.find('guest')).toBe(domid)
    expect(await store.read(`/local/domain/0/backend/toy/${domid}/1/colour`)).toBe('blue')
    expect(await store.directory('/local/domain/0/backend/toy')).toEqual([String(domid)])
    expect(await store.directory(`/local/domain/0/backend/toy/${domid}`)).toEqual(['1'])
    expect(machine.xen.domains.list()).toEqual([0, domid])
  })

  const remains: [ShutdownAction, { old: boolean; again: boolean; dumped: boolean }][] = [
    ['destroy', { old: false, again: false, dumped: false }],
    ['restart', { old: false, again: true, dumped: false }],
    ['rename-restart', { old: true, again: true, dumped: false }],
    ['preserve', { old: true, again: false, dumped: false }],
    ['coredump-destroy', { old: false, again: false, dumped: true }],
    ['coredump-restart', { old: false, again: true, dumped: true }],
  ]
  test.each(remains)('on_crash = %s', async (onCrash, { old, again, dumped }) => {
    await using host = await boot(mode)
    const { toolstack, machine } = host
    const uuid = '01234567-89ab-4def-8123-456789abcdef'
    const guest = await toolstack.create({ name: 'guest', memoryPages: 16, onCrash, uuid })
    let dump: Uint8Array | undefined
    toolstack.events.on('coredump', (told) => {
      dump = told.memory
    })
    let crashes = 0
    const program: Program = async (context) => {
      const { memory } = context.platform.sharer.share(host.dom0.domid, 1, 'writable')
      memory.store(0, 0x1234_5678)
      await (crashes++ === 0 ? crash(context) : idle(context))
    }
    toolstack.start(guest, program)
    const end = await toolstack.ended(guest.domid)
    expect(end).toMatchObject({ reason: 'crash', error: { message: 'as it was told' } })
    const lines = toolstack.list().filter(({ domid }) => domid !== 0)
    const expected = [
      ...(old ? [{ name: onCrash === 'preserve' ? 'guest' : `guest-${guest.domid}`, state: '---sc-' }] : []),
      ...(again ? [{ name: 'guest', state: '-b----', uuid }] : []),
    ]
    expect(lines).toMatchObject(expected)
    expect(lines).toHaveLength(expected.length)
    expect(dump?.length).toBe(dumped ? 16 * 4096 : undefined)
    if (dump) expect(new Int32Array(dump.buffer)).toContain(0x1234_5678)
    for (const { domid } of lines) await toolstack.destroy(domid)
    expect(machine.ledger()).toEqual([])
    expect(await host.store.directory('/vm')).toEqual(['00000000-0000-4000-8000-000000000000'])
  })

  test.each([
    ['onPoweroff', 'poweroff'],
    ['onReboot', 'reboot'],
    ['onCrash', 'crash'],
    ['onWatchdog', 'watchdog'],
  ] as const)('%s is for the reason %s, which the guest gives by its hypercall', async (policy, reason) => {
    await using host = await boot(mode)
    const guest = await host.toolstack.create({ name: 'guest', [policy]: 'preserve' })
    const vcpu = host.toolstack.start(guest, async ({ platform }) => {
      await platform.hypercalls.sched.shutdown(reason)
    })
    expect(await host.toolstack.ended(guest.domid)).toMatchObject({ reason })
    expect(await vcpu.exited).toEqual({ how: 'halted' })
    expect(host.toolstack.list()[1]).toMatchObject({ name: 'guest', shutdownReason: reason })
  })

  test('a guest whose code is the caller’s stops by its hypercall, too; its successor waits to be attached', async () => {
    await using host = await boot(mode)
    const guest = await host.createGuest({ name: 'guest', onPoweroff: 'restart' })
    const restarted = next<{ domid: typeof guest.domid }>(host, 'restarted')
    void guest.hypercalls.sched.shutdown('poweroff')
    const { domid } = await restarted
    expect(stateOf(host, { domid })).toBe('--p---')
    expect(host.toolstack.attach({ domid }).domid).toBe(domid)
  })

  test('a policy that cannot be carried out is told, and ends nothing else', async () => {
    await using host = await boot(mode)
    const guest = await host.toolstack.create({ name: 'guest', onPoweroff: 'restart', memoryPages: 1024 })
    const failed = next<{ error: Error }>(host, 'policyFailed')
    host.toolstack.events.once('destroyed', () => {
      while (host.machine.xen.frames.tryAllocate(256, 1) >= 0);
    })
    host.toolstack.start(guest, async () => {})
    expect((await failed).error.message).toMatch(/ENOMEM/)
    expect(await host.toolstack.ended(guest.domid).catch(String)).toMatch(/none of this toolstack/)
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
