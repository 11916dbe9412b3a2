import { switchState, XenbusState } from '@split-driver/xenbus'
import { describe, expect, test } from 'vitest'
import { boot } from '../boot.js'

describe.each(['inline', 'threads'] as const)('the toolstack, %s', (mode) => {
  test('a domain finds its keys; it may write where it should, and nowhere else', async () => {
    const { toolstack } = await boot(mode)
    const guest = await toolstack.create({ name: 'embox', memoryPages: 64, commandLine: 'quiet' })
    const { xenstore, start } = toolstack.attach(guest)
    expect(start).toMatchObject({ pages: 64, privileged: false, commandLine: 'quiet' })
    expect(await xenstore.read('name')).toBe('embox')
    expect(await xenstore.read('console/port')).toBe(String(start.console?.port))
    expect(await xenstore.read(`${await xenstore.read('vm')}/name`)).toBe('embox')
    await xenstore.write('data/answer', '42')
    await expect(xenstore.write('name', 'dom0')).rejects.toThrow(/EACCES/)
    await expect(xenstore.introduce(guest.domid, start.store.frame, start.store.port)).rejects.toThrow(/EACCES/)
  })

  test('a destroyed domain leaves no keys, no port, no page; its domid is not used again', async () => {
    const { machine, store, toolstack, dom0 } = await boot(mode)
    const free = machine.xen.frames.countFree()
    const guest = await toolstack.create({ name: 'short-lived' })
    const platform = toolstack.attach(guest)
    await platform.xenstore.watch('data')
    platform.sharer.share(dom0.domid, 3, 'writable')
    platform.events.bindUnboundPort(dom0.domid)
    await toolstack.attachDevice(guest, { type: 'vbd', id: 51712 })
    await toolstack.destroy(guest.domid)
    expect(machine.ledger()).toEqual([])
    expect(machine.xen.frames.countFree()).toBe(free)
    expect(await store.directory('/local/domain')).toEqual(['0'])
    expect(await store.tryRead(`/local/domain/0/backend/vbd/${guest.domid}`)).toBeUndefined()
    expect(() => platform.events.bindIpi()).toThrow(/ESRCH/)
    expect((await toolstack.create({ name: 'next' })).domid).toBe(guest.domid + 1)
  })

  test('a device is taken away in order: the backend is asked, closes, and then the directories go', async () => {
    const { dom0, store, toolstack } = await boot(mode)
    const guest = await toolstack.create({ name: 'guest' })
    const device = await toolstack.attachDevice(guest, { type: 'toy', id: 3, backendKeys: { colour: 'blue' } })
    expect(await toolstack.attach(guest).xenstore.read(`${device.backendPath}/colour`)).toBe('blue')
    const state = await dom0.xenstore.onChange(`backend/toy/${guest.domid}/3/state`, async (path) => {
      if ((await dom0.xenstore.tryRead(path)) === String(XenbusState.Closing))
        await switchState(dom0.xenstore, device.backendPath, XenbusState.Closed)
    })
    await device.detach()
    await state.close()
    expect(await store.tryRead(device.frontendPath)).toBeUndefined()
    expect(await store.tryRead(device.backendPath)).toBeUndefined()
  })

  test('taking a device away can be given up when nobody answers', async () => {
    const { toolstack, store } = await boot(mode)
    const guest = await toolstack.create({ name: 'guest' })
    const device = await toolstack.attachDevice(guest, { type: 'toy', id: 3 })
    const abort = new AbortController()
    const detached = device.detach(abort.signal)
    abort.abort(new Error('nobody answers'))
    await expect(detached).rejects.toThrow('nobody answers')
    expect(await store.read(`${device.backendPath}/online`)).toBe('0')
  })

  test('a program runs inline, halts when asked to, and cannot touch anything once it was killed', async () => {
    const { toolstack, machine } = await boot(mode)
    const polite = await toolstack.create({ name: 'polite' })
    const vcpu = toolstack.start(
      polite,
      ({ signal }) => new Promise((done) => signal.addEventListener('abort', () => done())),
    )
    vcpu.shutdown()
    expect(await vcpu.exited).toEqual({ how: 'halted' })
    const stubborn = await toolstack.create({ name: 'stubborn' })
    let touched: unknown
    const running = toolstack.start(stubborn, async ({ platform, signal }) => {
      const { memory } = platform.sharer.share(polite.domid, 1, 'writable')
      await new Promise((done) => signal.addEventListener('abort', done))
      try {
        memory.store(0, 1)
      } catch (error) {
        touched = error
      }
    })
    await toolstack.destroy(stubborn.domid)
    expect(await running.exited).toEqual({ how: 'killed' })
    expect(String(touched)).toMatch(/USE_AFTER_UNMAP/)
    await toolstack.destroy(polite.domid)
    expect(machine.ledger()).toEqual([])
  })
})
