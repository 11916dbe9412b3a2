import { XenError } from '@split-driver/abi'
import { errorNode } from '@split-driver/xenbus'
import { describe, expect, it } from 'vitest'
import { settle } from '../settle.js'
import { DeviceWorld, ProbeBackend, ProbeFrontend } from './world.js'

const FRONTEND_ERROR = '/local/domain/1/error/device/pin/0/error'
const BACKEND_ERROR = '/local/domain/0/error/backend/pin/1/0/error'

it('rule 37: the error node is where Linux puts it', () => {
  const host = { domid: 1 as never }
  expect(errorNode(host, 'device/vbd/51712')).toBe('error/device/vbd/51712/error')
  expect(errorNode(host, '/local/domain/1/device/vbd/51712')).toBe('error/device/vbd/51712/error')
})

describe('a device that fails', () => {
  it('R2: in the frontend: error node, error event, Closing, Closed, freed, and the backend follows', async () => {
    const world = new DeviceWorld()
    const { frontend, backend } = await world.connect()
    const errors: Error[] = []
    frontend.on('error', (error) => errors.push(error))
    const closed = new Promise<Error | undefined>((resolve) => frontend.on('closed', resolve))
    const failure = new XenError('RING_PROD_OVERFLOW', 'ran ahead')
    frontend.fail(failure)
    frontend.fail(new XenError('RING_BAD_RESPONSE', 'and another'))
    expect(await closed).toBe(failure)
    expect(errors).toEqual([failure])
    expect(world.store.nodes.get(FRONTEND_ERROR)).toBe('22 RING_PROD_OVERFLOW: ran ahead')
    await settle()
    expect(world.states).toEqual(['6', '6'])
    expect([frontend.log.count('disconnect'), backend.log.count('disconnect')]).toEqual([1, 1])
  })

  it('B5: in the backend: freed, Closed, and a frontend that begins anew may try again, any number of times', async () => {
    const world = new DeviceWorld()
    const { backend } = await world.connect()
    for (let round = 1; round <= 5; round++) {
      backend.fail(new XenError('ENOSPC', 'no room'))
      await settle()
      expect(world.states).toEqual(['6', '6'])
      expect(backend.log.count('disconnect')).toBe(round)
      expect(world.store.nodes.get(BACKEND_ERROR)).toBe('28 ENOSPC: no room')
      await new ProbeFrontend(world.guest, world.frontendPath).open()
      await settle()
      expect(world.states).toEqual(['4', '4'])
    }
    expect(world.store.watches.size).toBe(4)
  })

  it('without a listener for errors nothing is thrown', async () => {
    const world = new DeviceWorld()
    const { frontend } = await world.connect()
    frontend.fail(new Error('quiet'))
    await frontend.close()
    expect(world.store.nodes.get(FRONTEND_ERROR)).toBe('22 quiet')
  })

  it('a message of a peer s making is cut and cleaned', async () => {
    const world = new DeviceWorld()
    const { frontend } = await world.connect()
    frontend.fail(new Error(`\x1b[2J\n${'x'.repeat(5000)}`))
    await frontend.close()
    const text = world.store.nodes.get(FRONTEND_ERROR)!
    expect(text.length).toBeLessThan(300)
    expect(text).toMatch(/^22 \?\[2J\?x+$/)
  })
})

describe('a hook that throws fails its device, and frees once', () => {
  for (const hook of ['publish', 'connect'] as const)
    it(`the frontend's ${hook}`, async () => {
      const world = new DeviceWorld()
      const backend = new ProbeBackend(world.dom0, world.backendPath)
      void backend.open()
      const frontend = new ProbeFrontend(world.guest, world.frontendPath)
      const mine = new Error('mine')
      frontend.overrides[hook] = () => Promise.reject(mine)
      await expect(frontend.open()).rejects.toBe(mine)
      await frontend.close()
      await settle()
      expect(frontend.log.count('disconnect')).toBe(1)
      expect(world.states).toEqual(['6', '6'])
    })

  for (const hook of ['offer', 'connect'] as const)
    it(`the backend's ${hook}`, async () => {
      const world = new DeviceWorld()
      const backend = new ProbeBackend(world.dom0, world.backendPath)
      const mine = new Error('mine')
      backend.overrides[hook] = () => Promise.reject(mine)
      const opening = backend.open()
      const frontend = new ProbeFrontend(world.guest, world.frontendPath).open()
      await expect(opening).rejects.toBe(mine)
      await expect(Promise.race([frontend, settle().then(() => 'waiting')]))
        .resolves.toBe('waiting')
        .catch(() => undefined)
      expect(backend.log.count('disconnect')).toBe(hook === 'connect' ? 1 : 0)
      expect(world.backend('state')).toBe('6')
    })

  it('disconnect itself: the device still says Closed', async () => {
    const world = new DeviceWorld()
    const { frontend, backend } = await world.connect()
    const errors: Error[] = []
    backend.on('error', (error) => errors.push(error))
    backend.overrides.disconnect = () => Promise.reject(new Error('cannot free'))
    await frontend.close()
    expect(errors.map(({ message }) => message)).toEqual(['cannot free'])
    expect(world.states).toEqual(['6', '6'])
  })

  it('quiesce: the device fails and is freed', async () => {
    const world = new DeviceWorld()
    const { frontend } = await world.connect()
    frontend.overrides.quiesce = () => Promise.reject(new Error('no peace'))
    await frontend.close()
    expect(frontend.log.count('disconnect')).toBe(1)
    expect(world.store.nodes.get(FRONTEND_ERROR)).toBe('22 no peace')
  })
})

const junk: readonly (readonly [name: string, value: string | undefined])[] = [
  ['0', '0'],
  ['−1', '-1'],
  ['2³²', '4294967296'],
  ['nothing at all', ''],
  ['1e9', '1e9'],
  ['junk', 'junk'],
  ['a leading blank', ' 1'],
  ['a trailing newline', '1\n'],
  ['hexadecimal', '0x1'],
  ['long', '9'.repeat(4000)],
  ['absent', undefined],
]

/** A device beside the hostile one, which must not notice. */
const withNeighbour = async (check: (world: DeviceWorld) => Promise<void>): Promise<void> => {
  const world = new DeviceWorld()
  const neighbour = new DeviceWorld({ store: world.store, id: 1 })
  const { frontend, backend } = await neighbour.connect()
  await check(world)
  await settle()
  expect(neighbour.states).toEqual(['4', '4'])
  expect([frontend.log.count('disconnect'), backend.log.count('disconnect')]).toEqual([0, 0])
}

describe('B6: only this device fails, with a clear error node', () => {
  for (const [name, value] of junk) {
    const sound = value === '0'
    for (const key of ['backend-id', 'backend'])
      it(`${key} is ${name}`, () =>
        withNeighbour(async (world) => {
          if (sound && key === 'backend-id') return
          world.setAll({ [`${world.frontendDirectory}/${key}`]: value })
          const frontend = new ProbeFrontend(world.guest, world.frontendPath)
          const code = value === undefined ? 'ENOENT' : 'BAD_KEY'
          const path = `device/pin/0/${key}`
          await expect(frontend.open()).rejects.toMatchObject({ code, detail: { path } })
          await frontend.close()
          expect(world.store.nodes.get(FRONTEND_ERROR)).toContain(path)
          expect(world.frontend('state')).toBe('6')
        }))

    for (const key of ['frontend-id', 'frontend'])
      it(`${key} is ${name}`, () =>
        withNeighbour(async (world) => {
          world.setAll({ [`${world.backendDirectory}/${key}`]: value })
          const backend = new ProbeBackend(world.dom0, world.backendPath)
          await expect(backend.open()).rejects.toMatchObject({ code: value === undefined ? 'ENOENT' : 'BAD_KEY' })
          await backend.close()
          expect(world.store.nodes.get(BACKEND_ERROR)).toContain(`/${key}`.slice(0, 9))
          expect(world.backend('state')).toBe('6')
        }))

    it(`the frontend's ring-ref is ${name}`, () =>
      withNeighbour(async (world) => {
        const backend = new ProbeBackend(world.dom0, world.backendPath)
        const opening = backend.open()
        await settle()
        world.setAll({ [`${world.frontendDirectory}/ring-ref`]: value, [`${world.frontendDirectory}/state`]: '3' })
        if (sound) await expect(opening).resolves.toBe(backend)
        else {
          const path = `${world.frontendDirectory}/ring-ref`
          await expect(opening).rejects.toMatchObject({
            code: value === undefined ? 'ENOENT' : 'BAD_KEY',
            detail: { path, expected: expect.stringContaining('4294967295') },
          })
          await settle()
          expect(world.store.nodes.get(BACKEND_ERROR)).toContain(path)
          expect(world.backend('state')).toBe('6')
        }
        await backend.close()
        expect(backend.log.count('disconnect')).toBe(1)
      }))

    for (const half of ['frontend', 'backend'] as const)
      it(`rule 37: the other half's state, as a connected ${half} finds it, is ${name}`, () =>
        withNeighbour(async (world) => {
          const halves = await world.connect()
          const device = halves[half]
          const [host, other] =
            half === 'frontend' ? [world.dom0, world.backendDirectory] : [world.guest, world.frontendDirectory]
          host.xenstore.disconnect()
          const errors: Error[] = []
          device.on('error', (error) => errors.push(error))
          world.setAll({ [`${other}/state`]: value })
          await settle()
          world.setAll({ [`${other}/state`]: value })
          await settle()
          const makesSense = value === undefined || sound
          expect(errors).toMatchObject(
            makesSense ? [] : [{ code: 'BAD_KEY', detail: { path: `${other}/state`, value } }],
          )
          expect(device.log.count('disconnect')).toBe(sound ? 0 : 1)
          await device.close()
          expect(device.log.count('disconnect')).toBe(1)
          expect(device.state).toBe(6)
        }))
  }

  it('a state that makes no sense in the middle of a connection fails it', () =>
    withNeighbour(async (world) => {
      const { frontend, backend } = await world.connect()
      const closed = new Promise<Error | undefined>((resolve) => frontend.on('closed', resolve))
      world.backend('state', '9')
      expect(await closed).toMatchObject({
        code: 'BAD_KEY',
        detail: { value: '9', expected: 'a XenBus state, 0 to 8' },
      })
      expect(frontend.log.count('disconnect')).toBe(1)
      await backend.close()
    }))

  it('C1: a path outside of the named domain is refused', () =>
    withNeighbour(async (world) => {
      for (const path of [
        '/local/domain/1/backend/pin/1/0',
        '/local/domain/00/x',
        '/local/domain/0',
        '/vm/x',
        'backend/x',
      ]) {
        world.frontend('state', '1')
        world.frontend('backend', path)
        const frontend = new ProbeFrontend(world.guest, world.frontendPath)
        await expect(frontend.open()).rejects.toMatchObject({ code: 'BAD_KEY', detail: { value: path } })
      }
    }))
})
