import { XenError } from '@split-driver/abi'
import { describe, expect, it } from 'vitest'
import { settle } from '../settle.js'
import { DeviceWorld, expectLegal, FRONTEND_DOMID, ProbeBackend, ProbeFrontend } from './world.js'

describe('a frontend that is closed', () => {
  it('lets requests finish, says Closed, and frees its pages only when the backend has let go', async () => {
    const world = new DeviceWorld()
    const { frontend, backend } = await world.connect()
    let finish = (): void => undefined
    frontend.overrides.quiesce = () => new Promise((resolve) => (finish = resolve))
    let freedWhileHeld = false
    frontend.overrides.disconnect = () => {
      freedWhileHeld = backend.log.count('disconnect') === 0
    }
    const closing = frontend.close()
    await settle()
    expect(world.states).toEqual(['5', '5'])
    finish()
    await closing
    expect(world.states).toEqual(['6', '6'])
    expect(freedWhileHeld).toBe(false)
    expect(frontend.log.count('disconnect')).toBe(1)
  })

  it('does not wait for requests that a backend will never answer', async () => {
    const world = new DeviceWorld()
    const { frontend, backend } = await world.connect()
    frontend.overrides.quiesce = () => new Promise(() => undefined)
    const closing = frontend.close()
    await settle()
    await backend.close()
    await closing
    expect(frontend.log.count('disconnect')).toBe(1)
  })

  it('B8: waits for a backend that never lets go, until its caller has had enough', async () => {
    const world = new DeviceWorld()
    const frontend = new ProbeFrontend(world.guest, world.frontendPath)
    world.setAll({ [`${world.backendDirectory}/size`]: '3', [`${world.backendDirectory}/state`]: '4' })
    await frontend.open()
    const patience = new AbortController()
    const closing = frontend.close({ signal: patience.signal })
    await settle()
    expect(frontend.log.count('disconnect')).toBe(0)
    expect(world.frontend('state')).toBe('6')
    patience.abort()
    await closing
    expect(frontend.log.count('disconnect')).toBe(1)
  })

  it('B8: or until the backend s directory goes', async () => {
    const world = new DeviceWorld()
    const frontend = new ProbeFrontend(world.guest, world.frontendPath)
    world.setAll({ [`${world.backendDirectory}/size`]: '3', [`${world.backendDirectory}/state`]: '4' })
    await frontend.open()
    const closing = frontend.close()
    await settle()
    world.remove(world.backendDirectory)
    await closing
    expect(frontend.log.count('disconnect')).toBe(1)
  })

  it('is closed once, however often and by whatever way it was asked', async () => {
    const world = new DeviceWorld()
    const { frontend } = await world.connect()
    let events = 0
    frontend.on('closed', () => events++)
    await Promise.all([frontend.close(), frontend.close(), frontend[Symbol.asyncDispose]()])
    await frontend.close()
    expect([events, frontend.log.count('disconnect')]).toEqual([1, 1])
  })

  it('and never opened is closed at once', async () => {
    const world = new DeviceWorld()
    const frontend = new ProbeFrontend(world.guest, world.frontendPath)
    await frontend.close()
    await expect(frontend.open()).rejects.toMatchObject({ code: 'CLOSED' })
    expect(world.store.changes.filter(({ domid }) => domid === 1)).toEqual([])
  })
})

describe('a backend that is closed', () => {
  it('frees everything at once and waits for no frontend', async () => {
    const world = new DeviceWorld()
    const { frontend, backend } = await world.connect()
    await backend.close()
    expect(backend.log.count('disconnect')).toBe(1)
    expect(world.backend('state')).toBe('6')
    await settle()
    expect(world.frontend('state')).toBe('6')
    expect(frontend.log.count('disconnect')).toBe(1)
    expectLegal(world.statesWritten(world.frontendDirectory, FRONTEND_DOMID))
    expectLegal(world.statesWritten(world.backendDirectory, 0))
  })
})

describe('rule 33: a directory that is removed', () => {
  for (const half of ['frontend', 'backend'] as const)
    it(`under a connected ${half} ends it, frees once, and stays removed`, async () => {
      const world = new DeviceWorld()
      const halves = await world.connect()
      const device = halves[half]
      const closed = new Promise<Error | undefined>((resolve) => device.on('closed', resolve))
      world.remove(world.frontendDirectory)
      world.remove(world.backendDirectory)
      expect(await closed).toMatchObject({ code: 'ENODEV' })
      await settle()
      expect(device.log.count('disconnect')).toBe(1)
      expect(world.states).toEqual([undefined, undefined])
      expect([...world.store.nodes.keys()].filter((path) => path.includes('pin/0') || path.includes('pin/1/'))).toEqual(
        [],
      )
      expect(world.store.watches.size).toBe(0)
    })

  for (const hook of ['publish', 'connect'] as const)
    it(`while the frontend's ${hook} is under way is seen, and freed once`, async () => {
      const world = new DeviceWorld()
      const frontend = new ProbeFrontend(world.guest, world.frontendPath)
      const backend = new ProbeBackend(world.dom0, world.backendPath)
      frontend.overrides[hook] = () => world.remove(world.frontendDirectory)
      const opening = frontend.open()
      void backend.open()
      await expect(opening).rejects.toMatchObject({ code: 'ENODEV' })
      expect(frontend.log.count('disconnect')).toBe(1)
      expect(world.frontend('state')).toBeUndefined()
      await backend.close()
    })
})

describe('a frontend whose device is removed and made anew before it looks', () => {
  const replaced = async (whileClosing: boolean) => {
    const world = new DeviceWorld()
    const { frontend, backend } = await world.connect()
    let settleRequests = (): void => undefined
    frontend.overrides.quiesce = () => new Promise((resolve) => (settleRequests = resolve))
    const reasons: unknown[] = []
    frontend.on('closed', (reason) => reasons.push((reason as { code?: string } | undefined)?.code))
    const closing = whileClosing ? frontend.close() : undefined
    if (whileClosing) await settle()
    world.remove(world.backendDirectory)
    world.remove(world.frontendDirectory)
    world.create()
    await settle()
    await closing
    settleRequests()
    return { world, frontend, backend, reasons }
  }

  it('ends, frees once, and leaves the new one alone', async () => {
    const { world, frontend, reasons } = await replaced(false)
    expect(reasons).toEqual(['ENODEV'])
    expect(frontend.log.count('disconnect')).toBe(1)
    expect(world.states).toEqual(['1', '1'])
  })

  it('does so also while it waits for requests to finish', async () => {
    const { world, frontend, reasons } = await replaced(true)
    expect(reasons).toEqual(['ENODEV'])
    expect(frontend.log.count('disconnect')).toBe(1)
    expect(world.states).toEqual(['1', '1'])
  })
})

it('a device that is not there is ENODEV, and leaves no trace', async () => {
  const world = new DeviceWorld()
  const frontend = new ProbeFrontend(world.guest, 'device/pin/77')
  await expect(frontend.open()).rejects.toMatchObject({ code: 'ENODEV', detail: { path: 'device/pin/77' } })
  expect(world.store.changes.filter(({ domid }) => domid === 1)).toEqual([])
  expect(() => frontend.otherend).toThrow(XenError)
})

describe('opening that is given up', () => {
  it('closes the device and frees what it had', async () => {
    const world = new DeviceWorld()
    world.backend('state', '2')
    const patience = new AbortController()
    const frontend = new ProbeFrontend(world.guest, world.frontendPath)
    const opening = frontend.open({ signal: patience.signal })
    await settle()
    expect(world.frontend('state')).toBe('3')
    const closed = new Promise((resolve) => frontend.on('closed', resolve))
    patience.abort('enough')
    await expect(opening).rejects.toMatchObject({ code: 'ABORTED', cause: 'enough' })
    await closed
    expect([world.frontend('state'), frontend.log.count('disconnect')]).toEqual(['6', 1])
  })

  it('before it began, too', async () => {
    const world = new DeviceWorld()
    const frontend = new ProbeFrontend(world.guest, world.frontendPath)
    await expect(frontend.open({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    await frontend.close()
    expect(world.store.watches.size).toBe(0)
  })

  it('a signal that comes after the opening does nothing', async () => {
    const world = new DeviceWorld()
    const patience = new AbortController()
    const backend = new ProbeBackend(world.dom0, world.backendPath)
    void backend.open()
    const frontend = await new ProbeFrontend(world.guest, world.frontendPath).open({ signal: patience.signal })
    patience.abort()
    await settle()
    expect(frontend.state).toBe(4)
  })
})

it('the connection to XenStore ending frees both halves, and ends them', async () => {
  const world = new DeviceWorld()
  const { frontend, backend } = await world.connect()
  const closed = Promise.all(
    [frontend, backend].map((half) => new Promise<Error | undefined>((resolve) => half.on('closed', resolve))),
  )
  for (const host of [world.guest, world.dom0]) host.xenstore.disconnect()
  for (const reason of await closed) expect(reason).toMatchObject({ code: 'CLOSED' })
  expect([frontend.log.count('disconnect'), backend.log.count('disconnect')]).toEqual([1, 1])
})
