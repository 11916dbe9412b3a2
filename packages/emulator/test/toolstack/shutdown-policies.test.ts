import type { Program, ShutdownAction } from '@split-driver/emulator'
import { describe, expect, test } from 'vitest'
import { boot } from '../boot.js'
import { idle, next, pass, stateOf } from './life.js'

const crash: Program = async () => {
  throw new Error('as it was told')
}

describe.each(['inline', 'threads', 'simulated'] as const)('what becomes of a domain that stopped, %s', (mode) => {
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

  test('a host that ends in the midst of restarts leaves no domain behind', async () => {
    const host = await boot(mode)
    const guest = await host.toolstack.create({ name: 'guest', onPoweroff: 'restart' })
    let runs = 0
    host.toolstack.start(guest, async () => {
      runs++
    })
    while (runs < 3) await pass(host)
    await host[Symbol.asyncDispose]()
    const ended = runs
    expect(host.machine.xen.domains.list()).toEqual([0])
    expect(host.machine.ledger()).toEqual([])
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(runs).toBe(ended)
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
})
