import type { Domid } from '@split-driver/abi'
import { BackendBus, channelPair, writeDeviceDirectories, XenbusState, XenStoreClient } from '@split-driver/xenbus'
import { XenstoreServer } from '@split-driver/xenstored'
import { afterEach, expect, it } from 'vitest'
import { ProbeBackend, ProbeFrontend } from './world.js'

const guest = 1 as Domid
const dom0 = 0 as Domid

const clients: XenStoreClient[] = []
afterEach(() => {
  for (const client of clients.splice(0)) client.close()
})

/** The real daemon, so that the permissions that are written count. */
const connector = () => {
  const server = new XenstoreServer({ events: undefined, mapper: undefined } as never)
  return (domid: Domid): XenStoreClient => {
    const [near, far] = channelPair()
    server.accept(far, { domid, privileged: domid === dom0 })
    const client = new XenStoreClient(near)
    clients.push(client)
    return client
  }
}

it('a backend of another kind has a directory of its own, and the frontend finds it there', async () => {
  const connect = connector()
  const dom0Host = { domid: dom0, xenstore: connect(dom0) }
  const bus = await new BackendBus(dom0Host, 'our-pin', (path) => new ProbeBackend(dom0Host, path)).open()

  const device = await writeDeviceDirectories(connect(dom0), guest, { type: 'pin', backendType: 'our-pin', id: 7 })

  expect(device.frontendPath).toBe('/local/domain/1/device/pin/7')
  expect(device.backendPath).toBe('/local/domain/0/backend/our-pin/1/7')
  const frontend = await new ProbeFrontend({ domid: guest, xenstore: connect(guest) }, 'device/pin/7').open()
  expect(bus.devices.map(({ path, state }) => [path, state])).toEqual([['backend/our-pin/1/7', XenbusState.Connected]])
  await frontend.close()
  await bus.close()
})

it('without a kind of its own the backend is found below the type, and removal leaves neither directory', async () => {
  const store = connector()(dom0)
  const device = await writeDeviceDirectories(store, guest, { type: 'pin', id: 7 })
  expect(await store.read('/local/domain/0/backend/pin/1/7/frontend')).toBe('/local/domain/1/device/pin/7')
  await device.remove()
  expect(await store.tryRead(device.frontendPath)).toBeUndefined()
  expect(await store.tryRead(device.backendPath)).toBeUndefined()
})

it('the last device that is removed takes the directory of its domain with it', async () => {
  const store = connector()(dom0)
  const first = await writeDeviceDirectories(store, guest, { type: 'pin', id: 7 })
  const second = await writeDeviceDirectories(store, guest, { type: 'pin', id: 8 })
  await first.remove()
  expect(await store.directory('/local/domain/0/backend/pin/1')).toEqual(['8'])
  await second.remove()
  await second.remove()
  expect(await store.directory('/local/domain/0/backend/pin')).toEqual([])
  expect(await store.directory('/local/domain/1/device')).toEqual([])
})
