import type { Domid } from '@split-driver/abi'
import { BackendBus, channelPair, type Permission, XenbusState, XenStoreClient } from '@split-driver/xenbus'
import { XenstoreServer } from '@split-driver/xenstored'
import { afterEach, expect, it } from 'vitest'
import { settle } from '../settle.js'
import { ProbeBackend, ProbeFrontend } from './world.js'

const guest = 1 as Domid
const dom0 = 0 as Domid
const FRONTEND = '/local/domain/1/device/pin/0'
const BACKEND = '/local/domain/0/backend/pin/1/0'

const opened: { close(): unknown }[] = []
afterEach(() => {
  for (const one of opened.splice(0)) one.close()
})

/** The real daemon, a client for each domain, and a device as a toolstack makes it, with its permissions. */
const world = async () => {
  const platform = { events: undefined, mapper: undefined } as never
  const server = new XenstoreServer(platform)
  const connect = (domid: Domid): XenStoreClient => {
    const [near, far] = channelPair()
    server.accept(far, { domid, privileged: domid === dom0 })
    const client = new XenStoreClient(near)
    opened.push(client)
    return client
  }
  const toolstack = connect(dom0)
  const owned = (owner: Domid, reader: Domid): Permission[] => [
    { domid: owner, kind: 'none' },
    { domid: reader, kind: 'read' },
  ]
  const create = (): Promise<void> =>
    toolstack.transaction(async (t) => {
      for (const [directory, permissions, keys] of [
        [FRONTEND, owned(guest, dom0), { backend: BACKEND, 'backend-id': 0, state: 1 }],
        [BACKEND, owned(dom0, guest), { frontend: FRONTEND, 'frontend-id': 1, online: 1, state: 1 }],
      ] as const) {
        await t.mkdir(directory)
        await t.setPermissions(directory, permissions)
        for (const [key, value] of Object.entries(keys)) await t.write(`${directory}/${key}`, String(value))
      }
    })
  await create()
  const guestHost = { domid: guest, xenstore: connect(guest) }
  const dom0Host = { domid: dom0, xenstore: connect(dom0) }
  const bus = new BackendBus(dom0Host, 'pin', (path) => new ProbeBackend(dom0Host, path))
  await bus.open()
  return { toolstack, create, bus, guestHost, newFrontend: () => new ProbeFrontend(guestHost, 'device/pin/0') }
}

const closedBy = (frontend: ProbeFrontend): Promise<Error | undefined> =>
  new Promise((resolve) => frontend.on('closed', resolve))

it('rule 35: over the real daemon, frontends come and go, and the backend is there for each', async () => {
  const { bus, newFrontend, toolstack } = await world()
  for (let round = 1; round <= 3; round++) {
    const frontend = await newFrontend().open()
    expect(frontend.size).toBe(512)
    await frontend.close()
    expect(frontend.log.count('disconnect')).toBe(1)
    expect(await toolstack.read(`${FRONTEND}/state`)).toBe('6')
  }
  expect((bus.devices[0] as ProbeBackend).log.count('disconnect')).toBe(3)
  await bus.close()
})

it('a detach by the toolstack takes both halves down in order', async () => {
  const { bus, newFrontend, toolstack } = await world()
  const frontend = await newFrontend().open()
  const closed = closedBy(frontend)
  await toolstack.transaction(async (t) => {
    await t.write(`${BACKEND}/online`, '0')
    await t.write(`${BACKEND}/state`, String(XenbusState.Closing))
  })
  expect(await closed).toMatchObject({ code: 'CLOSED' })
  await settle()
  expect(bus.devices).toEqual([])
  await toolstack.rm(BACKEND)
  await toolstack.rm(FRONTEND)
  expect(await toolstack.tryRead(`${BACKEND}/state`)).toBeUndefined()
  await bus.close()
})

it('rules 33, 43: a domain torn down under a connection stays so, though what is left may not be read; and comes again', async () => {
  const { bus, newFrontend, toolstack, create } = await world()
  for (let round = 0; round < 3; round++) {
    const frontend = await newFrontend().open()
    const closed = closedBy(frontend)
    const backend = bus.devices[0] as ProbeBackend
    await toolstack.transaction(async (t) => {
      await t.rm('/local/domain/1/device/pin')
      await t.rm('/local/domain/0/backend/pin/1')
    })
    expect(await closed).toMatchObject({ code: 'ENODEV' })
    await settle()
    expect([frontend.log.count('disconnect'), backend.log.count('disconnect')]).toEqual([1, 1])
    expect(await toolstack.tryRead('/local/domain/1/device/pin')).toBeUndefined()
    expect(await toolstack.tryRead('/local/domain/0/backend/pin/1')).toBeUndefined()
    await create()
    await settle()
  }
  await bus.close()
})

it('rule 48: clients that count in one node lose no count', async () => {
  const { bus, toolstack, guestHost } = await world()
  await toolstack.write('/counter', '0')
  await toolstack.setPermissions('/counter', [{ domid: dom0, kind: 'both' }])
  const count = (client: XenStoreClient): Promise<void> =>
    client.transaction(async (t) => t.write('/counter', String(Number(await t.read('/counter')) + 1)))
  const jobs = Array.from({ length: 8 }, (_, i) => count(i % 2 ? toolstack : guestHost.xenstore))
  await Promise.all(jobs)
  expect(await toolstack.read('/counter')).toBe('8')
  await bus.close()
})

it('a backend that a guest may not read is told as such, not waited for', async () => {
  const { bus, newFrontend, toolstack } = await world()
  await toolstack.setPermissions(`${BACKEND}/state`, [{ domid: dom0, kind: 'none' }])
  const frontend = newFrontend()
  await expect(frontend.open()).rejects.toMatchObject({ code: 'EACCES', detail: { path: `${BACKEND}/state` } })
  await frontend.close()
  expect(await toolstack.read(`${FRONTEND}/state`)).toBe('6')
  await bus.close()
})

it('a guest without the right to an error node fails as quietly as it must', async () => {
  const { bus, newFrontend } = await world()
  const frontend = await newFrontend().open()
  const closed = closedBy(frontend)
  frontend.fail(new Error('broken'))
  expect(await closed).toMatchObject({ message: 'broken' })
  await settle()
  expect((bus.devices[0] as ProbeBackend).state).toBe(XenbusState.Closed)
  await bus.close()
})
