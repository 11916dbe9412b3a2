import type { GuestPlan, ShutdownAction } from '@split-driver/emulator'
import { startWorkerThread } from '@split-driver/emulator/node'
import { describe, expect, test } from 'vitest'
import { boot } from '../boot.js'

const lifecycle = { href: new URL('../programs/lifecycle.mjs', import.meta.url).href }

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** A host in this thread, and a guest in one of its own. */
const start = async (what: string, plan: Partial<GuestPlan> = {}) => {
  const host = await boot('threads')
  const guest = await host.toolstack.create({ name: 'guest', ...plan })
  const count = new Int32Array(new SharedArrayBuffer(8))
  const vcpu = host.toolstack.start(guest, lifecycle, { startVcpu: startWorkerThread, argument: { what, count } })
  const started = async () => {
    while (Atomics.load(count, 0) === 0) await sleep(5)
  }
  return { host, guest, count, vcpu, started, ended: host.toolstack.ended(guest.domid) }
}

describe("a domain's life in a thread of its own", () => {
  test('while it is paused its hypercalls wait', async () => {
    const { host, guest, count, started } = await start('spin')
    await using _ = host
    await started()
    while (Atomics.load(count, 1) === 0) await sleep(5)
    host.toolstack.pause(guest.domid)
    await sleep(20)
    const held = Atomics.load(count, 1)
    await sleep(50)
    expect(Atomics.load(count, 1)).toBe(held)
    host.toolstack.unpause(guest.domid)
    while (Atomics.load(count, 1) === held) await sleep(5)
    const line = host.toolstack.list()[1]
    expect(line?.state).toMatch(/^(r-|-b)----$/)
    expect(host.toolstack.vcpuList()[1]?.vcpu).toBe(0)
  })

  test('destroyed while it is paused, in the midst of a hypercall that waits', async () => {
    const { host, guest, count, vcpu, started } = await start('spin')
    await using _ = host
    await started()
    host.toolstack.pause(guest.domid)
    await sleep(20)
    await host.toolstack.destroy(guest.domid)
    expect(await vcpu.exited).toEqual({ how: 'killed' })
    const last = Atomics.load(count, 1)
    await sleep(20)
    expect(Atomics.load(count, 1)).toBe(last)
    expect(host.machine.ledger()).toEqual([])
  })

  test('it does not start before it is unpaused', async () => {
    const { host, guest, count, started } = await start('idle', { paused: true })
    await using _ = host
    await sleep(150)
    expect(Atomics.load(count, 0)).toBe(0)
    host.toolstack.unpause(guest.domid)
    await started()
  })

  test('asked by control/shutdown it halts, and is destroyed', async () => {
    const { host, guest, vcpu, started, ended } = await start('idle')
    await using _ = host
    await started()
    await host.toolstack.shutdown(guest.domid)
    expect(await ended).toMatchObject({ reason: 'poweroff' })
    expect(await vcpu.exited).toEqual({ how: 'halted' })
    expect(host.toolstack.domids).toEqual([])
    expect(host.machine.ledger()).toEqual([])
  })

  test.each([
    ['crash', 'as it was told'],
    ['uncaught', 'nobody caught me'],
  ])('%s: the domain crashed, and its error is told', async (what, message) => {
    const { host, guest, ended } = await start(what, { onCrash: 'preserve' })
    await using _ = host
    expect(await ended).toMatchObject({ reason: 'crash', error: { message } })
    expect(host.toolstack.list()[1]).toMatchObject({ domid: guest.domid, state: '---sc-' })
  })

  test('one that goes on after it shut down is stopped', async () => {
    const { host, vcpu, ended } = await start('power off, and go on')
    await using _ = host
    expect(await ended).toMatchObject({ reason: 'poweroff' })
    expect(await vcpu.exited).toEqual({ how: 'killed' })
  })

  test('it reboots itself until its policy says otherwise', async () => {
    const { host, count, guest } = await start('reboot', { onReboot: 'restart' })
    await using _ = host
    const { toolstack } = host
    let restarts = 0
    await new Promise<void>((resolve) => {
      toolstack.events.on('restarted', () => {
        if (++restarts === 3) resolve()
      })
    })
    expect(Atomics.load(count, 0)).toBeGreaterThanOrEqual(3)
    expect(toolstack.list()[1]?.domid).toBe(guest.domid + 3)
  })

  test.each(['cancelled', 'afresh'] as const)('it is suspended and goes on, %s', async (how) => {
    const { host, guest, started } = await start('suspend', { onCrash: 'preserve' as ShutdownAction })
    await using _ = host
    await started()
    const feature = `/local/domain/${guest.domid}/control/feature-suspend`
    while ((await host.store.tryRead(feature)) !== '1') await sleep(5)
    await host.toolstack.suspend(guest.domid)
    await host.toolstack.resume(guest.domid, how)
    const resumed = `/local/domain/${guest.domid}/data/resumed`
    while ((await host.store.tryRead(resumed)) === undefined) await sleep(5)
    expect(await host.store.read(resumed)).toBe(how)
  })

  test('its work is told in seconds', async () => {
    const { host, started } = await start('spin')
    await using _ = host
    await started()
    await sleep(300)
    expect(host.toolstack.list()[1]?.cpuSeconds).toBeGreaterThan(0.05)
    expect(host.toolstack.list()[0]?.cpuSeconds).toBe(0)
  })
})
