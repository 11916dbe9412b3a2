import { channelPair } from '@split-driver/xenbus'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type OpenHost, openStore, type StoreChoice } from '../../src/xenstore/open-store.js'
import { RunningCommand, splitDriver } from '../support/command.js'
import { ScratchFolder } from '../support/scratch-folder.js'
import { StoreAtSocket } from '../support/store-at-socket.js'

let folder: ScratchFolder
beforeEach(() => {
  folder = new ScratchFolder()
  vi.stubEnv('XENSTORED_PATH', undefined)
  vi.stubEnv('XENSTORED_RUNDIR', undefined)
})
afterEach(() => {
  vi.unstubAllEnvs()
  folder[Symbol.dispose]()
})

/** @returns by which route the host's XenStore was asked for */
const hostRouteOf = async (choice: Partial<StoreChoice>): Promise<string> => {
  const routes: string[] = []
  const openHost: OpenHost = async (route) => {
    routes.push(route)
    return channelPair()[0]
  }
  const nothing = {
    xenstored: undefined,
    device: false,
    host: false,
    named: false,
    socket: folder.file('machine.sock'),
  }
  const channel = await openStore({ ...nothing, ...choice }, openHost)
  channel.close()
  return routes.join(' ')
}

test.each([
  [{ device: true }, 'device'],
  [{ host: true }, 'auto'],
  [{ xenstored: '/dev/xen/xenbus' }, 'device'],
  [{}, 'auto'],
])('%j is the host’s XenStore, by the route %s', async (choice, route) => {
  expect(await hostRouteOf(choice)).toBe(route)
})

test.each([
  ['XENSTORED_PATH', (store: StoreAtSocket) => store.path],
  ['XENSTORED_RUNDIR', (store: StoreAtSocket) => store.path.replace(/\/socket$/, '')],
] as const)('%s is looked at where no option says anything', async (name, value) => {
  await using store = await StoreAtSocket.open()
  vi.stubEnv(name, value(store))
  expect(await hostRouteOf({})).toBe('')
  expect(await hostRouteOf({ host: true })).toBe('auto')
  await expect(hostRouteOf({ named: true })).rejects.toMatchObject({ code: 'ENOENT' })
})

test('XENSTORED_PATH may be the kernel’s node, as for libxenstore', async () => {
  vi.stubEnv('XENSTORED_PATH', '/dev/xen/xenbus')
  expect(await hostRouteOf({})).toBe('device')
})

test('a socket at which nobody answers is not passed over', async () => {
  vi.stubEnv('XENSTORED_PATH', folder.file('none'))
  await expect(hostRouteOf({})).rejects.toMatchObject({ code: 'ENOENT', detail: { socket: folder.file('none') } })
})

test.each([
  ['--device', '--host'],
  ['--device', '--xenstored', '/x'],
  ['--host', '--xenstored', '/x'],
  ['--socket', '/x', '--device'],
])('%s and %s contradict each other', async (...options) => {
  const { code, stderr } = await splitDriver('xenstore', 'ls', ...options)
  expect(stderr).toMatch(/^error: option .* cannot be used with option /)
  expect(code).toBe(1)
})

test('who closes the output has seen enough: no complaint', async () => {
  await using store = await StoreAtSocket.open()
  await using client = await store.client()
  using watch = RunningCommand.bin(['xenstore', 'watch', '--xenstored', store.path, '/w'])
  await watch.said('stdout', /^\/w$/m)
  watch.child.stdout.destroy()
  await client.write('/w', '1')
  expect(await watch.ended()).toMatchObject({ stderr: '' })
})
