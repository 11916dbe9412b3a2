import type { Domid } from '@split-driver/abi'
import {
  BackendBus,
  type ByteChannel,
  channelPair,
  XenbusState,
  XenStoreClient,
  XenStoreOp,
} from '@split-driver/xenbus'
import { hostPacing } from '@split-driver/xenbus/node'
import { XenstoreServer } from '@split-driver/xenstored'
import { expect, it, onTestFinished } from 'vitest'
import { ProbeBackend, ProbeFrontend } from './world.js'

const guest = 1 as Domid
const dom0 = 0 as Domid
const FRONTEND = '/local/domain/1/device/pin/0'
const BACKEND = '/local/domain/0/backend/pin/1/0'

type Loses = (firstByte: number | undefined) => boolean

/** The client's end: closes in place of sending a request that it is told to lose. */
class RequestLosing implements ByteChannel {
  constructor(
    protected readonly below: ByteChannel,
    protected readonly loses: Loses,
  ) {}

  get closed(): boolean {
    return this.below.closed
  }

  send(source: Uint8Array): number {
    if (!this.loses(source[0])) return this.below.send(source)
    this.close()
    return source.length
  }

  receive(target: Uint8Array): number {
    return this.below.receive(target)
  }

  onReady(handler: () => void): void {
    this.below.onReady(handler)
  }

  close(): void {
    this.below.close()
  }
}

/** The server's end: closes in place of answering such a request. */
class ReplyLosing extends RequestLosing {
  #lost = false

  override send(source: Uint8Array): number {
    if (this.#lost) this.close()
    return this.#lost ? source.length : this.below.send(source)
  }

  override receive(target: Uint8Array): number {
    const count = this.below.receive(target)
    this.#lost ||= count > 0 && this.loses(target[0])
    return count
  }
}

/** The daemon, a device as a toolstack makes it, and a backend whose connections are `connect`'s. */
const world = async (connect: (server: XenstoreServer) => ByteChannel) => {
  const server = new XenstoreServer({ events: undefined, mapper: undefined } as never)
  const client = (domid: Domid): XenStoreClient => {
    const [near, far] = channelPair()
    server.accept(far, { domid, privileged: domid === dom0 })
    return new XenStoreClient(near)
  }
  const toolstack = client(dom0)
  for (const [directory, owner, reader, keys] of [
    [FRONTEND, guest, dom0, { backend: BACKEND, 'backend-id': 0, state: 1 }],
    [BACKEND, dom0, guest, { frontend: FRONTEND, 'frontend-id': 1, online: 1, state: 1 }],
  ] as const) {
    await toolstack.mkdir(directory)
    await toolstack.setPermissions(directory, [
      { domid: owner, kind: 'none' },
      { domid: reader, kind: 'read' },
    ])
    for (const [key, value] of Object.entries(keys)) await toolstack.write(`${directory}/${key}`, String(value))
  }
  const xenstore = await XenStoreClient.open(async () => connect(server), hostPacing())
  const host = { domid: dom0, xenstore }
  const bus = new BackendBus(host, 'pin', (path) => new ProbeBackend(host, path))
  const frontend = new ProbeFrontend({ domid: guest, xenstore: client(guest) }, 'device/pin/0')
  for (const one of [xenstore, toolstack, frontend.host.xenstore as XenStoreClient]) onTestFinished(() => one.close())
  const told: (Error | undefined)[] = []
  bus.on('error', (error) => told.push(error))
  bus.on('device', (device) => device.on('error', (error) => told.push(error)))
  return { toolstack, bus, xenstore, frontend, told }
}

/** Every other commit ends the connection: what was asked is lost, or the reply to what was done. */
const cutAtCommits = (lost: 'request' | 'reply') => {
  let commits = 0
  const loses: Loses = (type) => type === XenStoreOp.TransactionEnd && commits++ % 2 === 0
  return (server: XenstoreServer): ByteChannel => {
    const [near, far] = channelPair()
    server.accept(lost === 'reply' ? new ReplyLosing(far, loses) : far, { domid: dom0, privileged: true })
    return lost === 'request' ? new RequestLosing(near, loses) : near
  }
}

it.each(['request', 'reply'] as const)('a state whose commit lost its %s is written nevertheless', async (lost) => {
  const { bus, frontend, toolstack, xenstore, told } = await world(cutAtCommits(lost))
  let cuts = 0
  xenstore.on('lost', () => cuts++)
  await bus.open()
  await frontend.open()
  await expect.poll(() => bus.devices[0]!.state).toBe(XenbusState.Connected)
  expect(await toolstack.read(`${BACKEND}/state`)).toBe('4')
  await frontend.close()
  await expect.poll(() => bus.devices[0]!.state).toBe(XenbusState.Closed)
  const [backend] = bus.devices as ProbeBackend[]
  expect([backend!.log.count('connect'), backend!.log.count('disconnect')]).toEqual([1, 1])
  expect(told).toEqual([])
  expect(cuts).toBeGreaterThan(2)
  await bus.close()
})

it('a server that comes later and refuses the watches ends the devices, and the bus tells it', async () => {
  const strict = 4 as Domid
  let as: Domid = dom0
  let near: ByteChannel | undefined
  const { bus, toolstack, xenstore, frontend, told } = await world((server) => {
    const [ours, theirs] = channelPair()
    server.accept(theirs, { domid: as, privileged: as === dom0 })
    near = ours
    return ours
  })
  // The one watch that the later server will take.
  await xenstore.watch('quiet')
  await bus.open()
  await frontend.open()
  const ended = new Promise<Error | undefined>((resolve) =>
    bus.on('device-closed', (_device, reason) => resolve(reason)),
  )
  await toolstack.setQuota('watches', 1, strict)
  as = strict
  near!.close()
  expect(await ended).toMatchObject({ code: 'E2BIG' })
  await bus.close()
  expect(told).toMatchObject([{ code: 'E2BIG', detail: { operation: 'watch', path: bus.root } }])
})
