import { ShutdownRequests } from '@split-driver/emulator'
import { describe, expect, test } from 'vitest'
import { boot } from '../boot.js'
import { idle, pass, stateOf } from './life.js'

describe.each(['inline', 'threads', 'simulated'] as const)('control/shutdown, %s', (mode) => {
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

  test('a guest whose code is the caller’s answers by itself', async () => {
    await using host = await boot(mode)
    const guest = await host.createGuest({ name: 'guest', onPoweroff: 'preserve' })
    const asked: string[] = []
    const requests = new ShutdownRequests(guest.xenstore)
    await requests.accept('poweroff', (request) => void asked.push(request))
    await host.toolstack.shutdown(guest.domid)
    await pass(host)
    expect(asked).toEqual(['poweroff'])
    await expect(
      host.toolstack.shutdown(guest.domid, { request: 'halt', acknowledgeMilliseconds: 20 }),
    ).rejects.toThrow(/ABORTED/)
    await requests[Symbol.asyncDispose]()
    const late = host.toolstack.shutdown(guest.domid, { acknowledgeMilliseconds: 20 })
    await expect(late).rejects.toThrow(/ABORTED/)
    expect(asked).toEqual(['poweroff'])
  })

  test('a guest that is destroyed while it is asked needs not answer', async () => {
    await using host = await boot(mode)
    const guest = await host.createGuest({ name: 'deaf' })
    const asked = host.toolstack.shutdown(guest.domid)
    await pass(host)
    await host.toolstack.destroy(guest.domid)
    await asked
  })
})
