import { XenError } from '@split-driver/abi'
import { BackendBus, type BackendDevice } from '@split-driver/xenbus'
import { describe, expect, it } from 'vitest'
import { MemoryXenStore } from '../memory-xenstore.js'
import { settle } from '../settle.js'
import { DeviceWorld, ProbeBackend, ProbeFrontend } from './world.js'

const serve = async (...worlds: DeviceWorld[]) => {
  const store = worlds[0]?.store ?? new MemoryXenStore()
  const host = worlds[0]?.dom0 ?? { domid: 0 as never, xenstore: store.view(0) }
  const seen: string[] = []
  const bus = new BackendBus(host, 'pin', (path, frontendDomid) => {
    seen.push(`${frontendDomid} ${path}`)
    return new ProbeBackend(host, path)
  })
  const closed: string[] = []
  bus.on('device-closed', (device, reason) => closed.push(`${device.path} ${(reason as { code?: string })?.code}`))
  await bus.open()
  await settle()
  return { bus, seen, closed, store }
}

const paths = (bus: BackendBus): string[] => bus.devices.map(({ path }) => path)

it('serves what is there when it begins, and what comes later, each once', async () => {
  const first = new DeviceWorld({ id: 0 })
  const { bus, seen } = await serve(first)
  expect(seen).toEqual(['1 backend/pin/1/0'])
  const second = new DeviceWorld({ id: 1, store: first.store })
  await settle()
  const frontends = [first, second].map((world) => new ProbeFrontend(world.guest, world.frontendPath))
  await Promise.all(frontends.map((frontend) => frontend.open()))
  await settle()
  expect([first.states, second.states]).toEqual([
    ['4', '4'],
    ['4', '4'],
  ])
  expect(paths(bus)).toEqual(['backend/pin/1/0', 'backend/pin/1/1'])
  expect(seen.length).toBe(2)
  await bus.close()
})

it('begins before there is any directory at all', async () => {
  const { bus, seen, store } = await serve()
  new DeviceWorld({ store })
  await settle()
  expect(seen).toEqual(['1 backend/pin/1/0'])
  await bus.close()
})

describe('a directory that goes', () => {
  for (const [name, above] of [
    ['alone', '/local/domain/0/backend/pin/1/0'],
    ['with its domain s', '/local/domain/0/backend/pin/1'],
    ['with its type s', '/local/domain/0/backend/pin'],
  ] as const)
    it(`${name} takes its backend with it, and may come again`, async () => {
      const world = new DeviceWorld()
      const { bus, seen, closed } = await serve(world)
      const frontend = new ProbeFrontend(world.guest, world.frontendPath)
      await frontend.open()
      for (let round = 1; round <= 3; round++) {
        world.remove(above)
        await settle()
        expect(paths(bus)).toEqual([])
        expect(closed.length).toBe(round)
        world.create()
        await settle()
        expect(seen.length).toBe(round + 1)
        expect(paths(bus)).toEqual(['backend/pin/1/0'])
      }
      await bus.close()
      expect(world.store.watches.size).toBe(0)
    })

  it('and is made anew before anybody looked is another device', async () => {
    const world = new DeviceWorld()
    const { bus, seen, closed } = await serve(world)
    await new ProbeFrontend(world.guest, world.frontendPath).open()
    world.guest.xenstore.disconnect()
    const old = bus.devices[0] as ProbeBackend
    world.remove(world.backendDirectory)
    world.remove(world.frontendDirectory)
    world.create()
    await settle()
    expect(old.log.count('disconnect')).toBe(1)
    expect(closed).toEqual(['backend/pin/1/0 ENODEV'])
    expect(seen.length).toBe(2)
    expect(world.backend('state')).toBe('2')
    await bus.close()
  })
})

it('a device that is over but whose directory stays is not begun again', async () => {
  const world = new DeviceWorld()
  const { bus, seen, closed } = await serve(world)
  const frontend = await new ProbeFrontend(world.guest, world.frontendPath).open()
  world.backend('online', '0')
  await frontend.close()
  await settle()
  expect(closed).toEqual(['backend/pin/1/0 undefined'])
  for (const key of ['online', 'junk', 'state']) {
    world.backend(key, key === 'state' ? '6' : '0')
    await settle()
  }
  expect([seen.length, paths(bus).length]).toEqual([1, 0])
  await bus.close()
})

it('what is no device s directory is left alone', async () => {
  const world = new DeviceWorld()
  const { bus, seen } = await serve(world)
  const root = '/local/domain/0/backend/pin'
  for (const name of ['x/0', '-1/0', '01/0', '32752/0', '99999999999/0', '2'])
    world.setAll({ [`${root}/${name}/state`]: '1' })
  world.setAll({ [`${root}/1/9/frontend`]: '/local/domain/1/device/pin/9' })
  await settle()
  expect(seen).toEqual(['1 backend/pin/1/0'])
  await bus.close()
})

describe('B6: one that fails does not disturb the others', () => {
  it('because of its keys', async () => {
    const good = new DeviceWorld({ id: 0 })
    const bad = new DeviceWorld({ id: 1, store: good.store })
    bad.setAll({ [`${bad.backendDirectory}/frontend-id`]: 'junk' })
    const { bus, closed } = await serve(good)
    await new ProbeFrontend(good.guest, good.frontendPath).open()
    await settle()
    expect(good.states).toEqual(['4', '4'])
    expect(closed).toEqual(['backend/pin/1/1 BAD_KEY'])
    expect(bad.backend('state')).toBe('6')
    expect(good.store.nodes.get('/local/domain/0/error/backend/pin/1/1/error')).toContain('BAD_KEY')
    bad.setAll({ [`${bad.backendDirectory}/anything`]: '1' })
    await settle()
    expect(closed.length).toBe(1)
    await bus.close()
  })

  it('because it could not be made', async () => {
    const good = new DeviceWorld({ id: 0 })
    const bad = new DeviceWorld({ id: 1, store: good.store })
    const errors: string[] = []
    let made = 0
    const bus = new BackendBus<BackendDevice>(good.dom0, 'pin', (path) => {
      made++
      if (path.endsWith('/1')) throw new Error('no such disk')
      return new ProbeBackend(good.dom0, path)
    })
    bus.on('error', (error, path) => errors.push(`${path}: ${error.message}`))
    await bus.open()
    await new ProbeFrontend(good.guest, good.frontendPath).open()
    await settle()
    expect(errors).toEqual(['backend/pin/1/1: no such disk'])
    expect([bad.backend('state'), made]).toEqual(['6', 2])
    expect(good.store.nodes.get('/local/domain/0/error/backend/pin/1/1/error')).toBe('22 no such disk')
    bad.backend('anything', '1')
    await settle()
    expect(made).toBe(2)
    bad.remove(bad.backendDirectory)
    await settle()
    bad.create()
    await settle()
    expect(made).toBe(3)
    bad.remove('/local/domain/0/backend/pin')
    await settle()
    bad.create()
    await settle()
    expect(made).toBe(4)
    await bus.close()
  })

  it('B5: because nothing at all can be written for it: once, not over and over', async () => {
    const world = new DeviceWorld()
    world.setAll({ [`${world.backendDirectory}/frontend-id`]: 'junk' })
    const { xenstore } = world.dom0
    xenstore.transaction = <T>() => Promise.reject<T>(new XenError('EACCES', 'read-only'))
    xenstore.write = () => Promise.reject(new XenError('EACCES', 'read-only'))
    const { bus, seen, closed } = await serve(world)
    for (let i = 0; i < 3; i++) {
      world.backend('anything', String(i))
      await settle()
    }
    expect([seen.length, closed.length]).toEqual([1, 1])
    await bus.close()
  })

  it('without a listener for errors nothing is thrown', async () => {
    const world = new DeviceWorld()
    const bus = new BackendBus<BackendDevice>(world.dom0, 'pin', () => {
      throw new Error('no')
    })
    await bus.open()
    await settle()
    expect(world.backend('state')).toBe('6')
    await bus.close()
  })
})

it('closing it closes every device, and takes no more', async () => {
  const worlds = [new DeviceWorld({ id: 0 })]
  for (let id = 1; id < 5; id++) worlds.push(new DeviceWorld({ id, store: worlds[0]!.store }))
  const { bus, seen } = await serve(...worlds)
  await Promise.all(worlds.map((world) => new ProbeFrontend(world.guest, world.frontendPath).open()))
  const devices = bus.devices as ProbeBackend[]
  await bus.close()
  await bus[Symbol.asyncDispose]()
  await settle()
  for (const device of devices) expect(device.log.count('disconnect')).toBe(1)
  new DeviceWorld({ id: 9, store: worlds[0]!.store })
  await settle()
  expect(seen.length).toBe(5)
  expect(worlds[0]!.store.watches.size).toBe(0)
})

it('a busy device costs the bus no look into XenStore', async () => {
  const world = new DeviceWorld()
  const { bus } = await serve(world)
  let reads = 0
  const { xenstore } = world.dom0
  const tryRead = xenstore.tryRead.bind(xenstore)
  const directory = xenstore.directory.bind(xenstore)
  xenstore.tryRead = (path) => {
    reads++
    return tryRead(path)
  }
  xenstore.directory = (path) => {
    reads++
    return directory(path)
  }
  for (let i = 0; i < 100; i++) world.backend(`statistics/${i}`, '1')
  await settle()
  expect(reads).toBe(0)
  await bus.close()
})
