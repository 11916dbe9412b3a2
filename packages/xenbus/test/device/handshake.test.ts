import { XenbusState } from '@split-driver/xenbus'
import { describe, expect, it } from 'vitest'
import { settle } from '../settle.js'
import { DeviceWorld, expectLegal, FRONTEND_DOMID, ProbeBackend, ProbeFrontend } from './world.js'

const { InitWait, Initialised, Connected, Closing, Closed } = XenbusState

it('rule 32: both halves come to Connected by legal steps, each hook once', async () => {
  const world = new DeviceWorld()
  const { frontend, backend } = await world.connect()
  expect(world.statesWritten(world.frontendDirectory, FRONTEND_DOMID)).toEqual([Initialised, Connected])
  expect(world.statesWritten(world.backendDirectory, 0)).toEqual([InitWait, Connected])
  for (const [log, first] of [
    [frontend.log, 'publish'],
    [backend.log, 'offer'],
  ] as const) {
    expect([log.count(first), log.count('connect'), log.count('disconnect')]).toEqual([1, 1, 0])
    expect(log.overlap).toBe(false)
  }
  expect([frontend.size, backend.ref]).toEqual([512, 8])
  expect(frontend.otherend).toEqual({ domid: 0, path: world.backendDirectory })
  expect(backend.otherend).toEqual({ domid: 1, path: world.frontendDirectory })
  expect([frontend.state, frontend.otherendState, backend.state, backend.otherendState]).toEqual([4, 4, 4, 4])
})

it('rule 33: the keys of a step and its state are one transaction', async () => {
  const world = new DeviceWorld()
  await world.connect()
  const commits = new Map<number, string[]>()
  for (const { commit, path, value, domid } of world.store.changes)
    if (domid !== 99) commits.set(commit, [...(commits.get(commit) ?? []), `${path.split('/').at(-1)}=${value}`])
  expect([...commits.values()]).toEqual([
    ['feature-y=1', 'state=2'],
    ['ring-ref=8', 'feature-x=1', 'state=3'],
    ['size=512', 'state=4'],
    ['state=4'],
  ])
})

it('rule 32: whichever half begins first, and whenever the other comes', async () => {
  for (const first of ['frontend', 'backend'] as const) {
    const world = new DeviceWorld()
    const frontend = new ProbeFrontend(world.guest, world.frontendPath)
    const backend = new ProbeBackend(world.dom0, world.backendPath)
    const [one, other] = first === 'frontend' ? [frontend, backend] : [backend, frontend]
    const opening = one.open()
    await settle()
    await Promise.all([other.open(), opening])
    expect(world.states).toEqual(['4', '4'])
  }
})

it('rule 32: a frontend that goes straight to Connected is connected to', async () => {
  const world = new DeviceWorld()
  const backend = new ProbeBackend(world.dom0, world.backendPath)
  const opening = backend.open()
  await settle()
  world.setAll({ [`${world.frontendDirectory}/ring-ref`]: '9', [`${world.frontendDirectory}/state`]: '4' })
  await opening
  expect([backend.ref, backend.log.count('connect')]).toEqual([9, 1])
})

it('rule 32: a backend that skips InitWait is published to, then connected to', async () => {
  const world = new DeviceWorld()
  const frontend = new ProbeFrontend(world.guest, world.frontendPath)
  world.setAll({ [`${world.backendDirectory}/size`]: '3', [`${world.backendDirectory}/state`]: '4' })
  await frontend.open()
  expect(world.statesWritten(world.frontendDirectory, FRONTEND_DOMID)).toEqual([Initialised, Connected])
  expect(frontend.size).toBe(3)
})

describe('rule 34: the frontend follows the backend down', () => {
  for (const [name, state] of [
    ['that says Closing', '5'],
    ['that says Closed without Closing', '6'],
  ] as const)
    it(name, async () => {
      const world = new DeviceWorld()
      const { frontend, backend } = await world.connect()
      const closed = new Promise<Error | undefined>((resolve) => frontend.on('closed', resolve))
      world.backend('state', state)
      expect(await closed).toMatchObject({ code: 'CLOSED' })
      expect(world.statesWritten(world.frontendDirectory, FRONTEND_DOMID).slice(-2)).toEqual([Closing, Closed])
      expect([frontend.log.count('quiesce'), frontend.log.count('disconnect')]).toEqual([state === '5' ? 1 : 0, 1])
      await settle()
      expect(backend.log.count('disconnect')).toBe(1)
    })
})

describe('rule 35: a backend whose frontend has closed', () => {
  it('comes back to InitWait for the next frontend while it is online', async () => {
    const world = new DeviceWorld()
    const { frontend, backend } = await world.connect()
    for (let round = 1; round <= 3; round++) {
      const current = round === 1 ? frontend : await new ProbeFrontend(world.guest, world.frontendPath).open()
      await settle()
      await current.close()
      await settle()
      expect(world.states).toEqual(['6', '6'])
      expect(backend.log.count('connect')).toBe(round)
      expect(backend.log.count('disconnect')).toBe(round)
    }
    expectLegal(world.statesWritten(world.frontendDirectory, FRONTEND_DOMID))
    expectLegal(world.statesWritten(world.backendDirectory, 0))
  })

  it('is done for good when it is not online', async () => {
    const world = new DeviceWorld()
    const { frontend, backend } = await world.connect()
    const closed = new Promise<Error | undefined>((resolve) => backend.on('closed', resolve))
    world.backend('online', '0')
    await frontend.close()
    expect(await closed).toBeUndefined()
    expect(world.states).toEqual(['6', '6'])
    const late = new ProbeFrontend(world.guest, world.frontendPath).open()
    await expect(late).rejects.toMatchObject({ code: 'CLOSED', message: expect.stringContaining('not online') })
  })

  it('a toolstack that writes online 0 and Closing is obeyed: the frontend goes first', async () => {
    const world = new DeviceWorld()
    const { frontend, backend } = await world.connect()
    const closed = Promise.all(
      [frontend, backend].map((half) => new Promise<void>((r) => half.on('closed', () => r()))),
    )
    world.setAll({ [`${world.backendDirectory}/online`]: '0', [`${world.backendDirectory}/state`]: '5' })
    await closed
    expect(world.states).toEqual(['6', '6'])
    expect([frontend.log.count('disconnect'), backend.log.count('disconnect')]).toEqual([1, 1])
    expect(frontend.log.count('quiesce')).toBe(1)
  })

  it('the wish to detach is not overwritten by a connection that was being made', async () => {
    const world = new DeviceWorld()
    const backend = new ProbeBackend(world.dom0, world.backendPath)
    backend.overrides.connect = () => world.setAll({ [`${world.backendDirectory}/state`]: '5' })
    const opening = backend.open()
    await settle()
    world.setAll({ [`${world.frontendDirectory}/ring-ref`]: '9', [`${world.frontendDirectory}/state`]: '3' })
    await settle()
    expect(world.backend('state')).toBe('5')
    world.frontend('state', '6')
    await expect(opening).rejects.toMatchObject({ code: 'CLOSED' })
    expect(backend.log.count('disconnect')).toBe(1)
  })
})

it('rule 36: events without a change, and our own writes, change nothing', async () => {
  const world = new DeviceWorld()
  const { frontend, backend } = await world.connect()
  const hooks = () =>
    ['publish', 'offer', 'connect', 'disconnect'].map((n) => frontend.log.count(n) + backend.log.count(n))
  const before = hooks()
  for (let i = 0; i < 5; i++) {
    world.frontend('state', '4')
    world.backend('state', '4')
    await settle()
  }
  expect(hooks()).toEqual(before)
  expect(world.states).toEqual(['4', '4'])
})

it('rule 30: the same state again reaches the other half', async () => {
  const world = new DeviceWorld()
  const { frontend } = await world.connect()
  const told = frontend.log.count('otherend 4')
  world.setAll({ [`${world.backendDirectory}/sectors`]: '8', [`${world.backendDirectory}/state`]: '4' })
  await settle()
  expect(frontend.log.count('otherend 4')).toBe(told + 1)
})

describe('a half that died without a word', () => {
  it('a frontend that comes back makes the backend let go of the old ring first', async () => {
    const world = new DeviceWorld()
    const { backend } = await world.connect()
    world.guest.xenstore.disconnect()
    const again = new ProbeFrontend(world.guest, world.frontendPath)
    await again.open()
    await settle()
    expect(backend.log.calls.filter((call) => !call.startsWith('otherend'))).toEqual([
      'offer',
      'connect',
      'disconnect',
      'offer',
      'connect',
    ])
    expect(world.states).toEqual(['4', '4'])
  })

  it('a frontend that comes back waits with Initialising until any backend has let go of the old ring', async () => {
    const world = new DeviceWorld()
    world.setAll({ [`${world.frontendDirectory}/state`]: '4', [`${world.backendDirectory}/state`]: '4' })
    const frontend = new ProbeFrontend(world.guest, world.frontendPath)
    const opening = frontend.open()
    for (const [backend, answer] of [
      ['4', '6'],
      ['5', '6'],
      ['6', '1'],
      ['2', '3'],
    ] as const) {
      world.backend('state', backend)
      await settle()
      expect(world.frontend('state')).toBe(answer)
    }
    world.setAll({ [`${world.backendDirectory}/size`]: '1', [`${world.backendDirectory}/state`]: '4' })
    await opening
    expect(frontend.log.count('publish')).toBe(1)
  })

  it('rule 1: a backend that comes back attaches to the connected frontend', async () => {
    const world = new DeviceWorld()
    const { frontend } = await world.connect()
    world.dom0.xenstore.disconnect()
    const again = new ProbeBackend(world.dom0, world.backendPath)
    await again.open()
    await settle()
    expect(again.log.calls.slice(0, 2)).toEqual(['offer', 'connect'])
    expect([frontend.log.count('publish'), frontend.log.count('disconnect')]).toEqual([1, 0])
    expect(world.states).toEqual(['4', '4'])
  })

  it('a frontend back at Initialising has lost its ring: the backend lets go and offers again', async () => {
    const world = new DeviceWorld()
    const { backend } = await world.connect()
    world.guest.xenstore.disconnect()
    world.frontend('state', '1')
    await settle()
    expect(world.backend('state')).toBe('2')
    expect(backend.log.count('disconnect')).toBe(1)
  })
})
