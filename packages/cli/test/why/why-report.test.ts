import { BlkifBackendBus, BlkifFrontend, type BlockStore, MemoryBlockStore } from '@split-driver/blkif'
import { ConsoleDaemon, ConsoleFrontend } from '@split-driver/console'
import { EmulatedHost, type EmulatedPlatform, Inspection } from '@split-driver/emulator'
import type { Platform } from '@split-driver/platform'
import { XenstoreServer } from '@split-driver/xenstored'
import * as v from 'valibot'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type DeviceReport, whyReportSchema } from '../../src/why/device-facts.js'
import { FactGatherer } from '../../src/why/gather-facts.js'
import { whyReport } from '../../src/why/why-report.js'
import { whyText } from '../../src/why/why-text.js'

let host: EmulatedHost
let guest: EmulatedPlatform
let ends: (() => Promise<unknown>)[]

beforeEach(async () => {
  host = await EmulatedHost.boot({ memoryMiB: 64, xenstored: (dom0) => new XenstoreServer(dom0) })
  guest = await host.createGuest({ name: 'mini' })
  ends = [() => host[Symbol.asyncDispose]()]
})

afterEach(async () => {
  for (const end of ends.reverse()) await end()
  expect(host.machine.ledger()).toEqual([])
})

/** A disk whose reads end when the test says so. */
class HeldStore extends MemoryBlockStore {
  readonly #held: (() => void)[] = []

  override read(position: number, buffers: readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve) => {
      this.#held.push(() => {
        super.read(position, buffers)
        resolve()
      })
    })
  }

  letGo(): void {
    for (const end of this.#held.splice(0)) end()
  }
}

const report = async (device?: string, state = '-b----') => {
  const gatherer = new FactGatherer(host.store, new Inspection(host.machine))
  const made = await whyReport(gatherer, { domid: guest.domid, name: 'mini', state }, device)
  expect(v.parse(whyReportSchema, made)).toEqual(made)
  return made
}

const why = async (device: string): Promise<DeviceReport> => (await report(device)).devices[0]!

const attachDisk = () => host.toolstack.attachDevice(guest, { type: 'vbd', id: 51712, backendKeys: { mode: 'w' } })

const serveDisk = async (store: BlockStore, platform: Platform = host.dom0) => {
  const disks = await new BlkifBackendBus(platform, { openStore: async () => store }).open()
  ends.push(() => disks.close())
}

const openDisk = async (): Promise<BlkifFrontend> => {
  const disk = await BlkifFrontend.open(guest, 'xvda')
  ends.push(() => disk.close())
  return disk
}

/** All that is due has been done. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20))

test('a disk that nobody serves waits for a backend driver', async () => {
  await attachDisk()
  const { waitsFor, alias, backend } = await why('xvda')
  expect(alias).toBe('xvda')
  expect(backend).toMatchObject({ domid: 0, path: `/local/domain/0/backend/vbd/${guest.domid}/51712`, state: 1 })
  expect(waitsFor).toBe(
    `A backend driver in domain 0: nobody has taken the device up (${backend?.path} is Initialising).`,
  )
})

test('a disk that is served and not used waits for the frontend', async () => {
  await attachDisk()
  await serveDisk(new MemoryBlockStore(new Uint8Array(4096)))
  await settle()
  expect((await why('51712')).waitsFor).toMatch(/^The frontend in domain 1: the backend offers the device/)
})

test('a disk that cannot be served says why', async () => {
  await attachDisk()
  const disks = await new BlkifBackendBus(host.dom0, {
    openStore: () => Promise.reject(new Error('the image is gone')),
  }).open()
  ends.push(() => disks.close())
  await settle()
  const { waitsFor, backend } = await why('vbd/51712')
  expect(backend?.error).toMatch(/the image is gone/)
  expect(waitsFor).toMatch(/^The backend has failed: .*the image is gone/)
})

test('reads that the disk itself has not finished: how many, their ids, and who holds what of the guest', async () => {
  await attachDisk()
  const store = new HeldStore(new Uint8Array(1 << 16))
  await serveDisk(store)
  const disk = await openDisk()
  ends.push(async () => store.letGo())
  expect((await why('xvda')).waitsFor).toMatch(/^Nothing: every request has its response/)
  const reads = [disk.read(0, new Uint8Array(512)), disk.read(1, new Uint8Array(8192))]
  await settle()
  const { waitsFor, ring, ringGrants, otherGrants, frontendPort, backendPort } = await why('xvda')
  expect(waitsFor).toBe(
    "The backend's answer to 2 requests: it has taken all of them, and waits for what lies behind it.",
  )
  expect(ring).toMatchObject({ reqProd: 2, reqEvent: 3, rspProd: 0, slots: 32, unanswered: 2 })
  expect(ring?.kind === 'requests' && ring.ids).toEqual(['4294967296', '4294967297'])
  expect(ringGrants).toEqual([{ ref: ringGrants[0]!.ref, holders: [{ domid: 0, access: 'writable' }] }])
  // Two data grants of three pages in all are mapped.
  expect(otherGrants.mapped).toBe(3)
  expect([frontendPort, backendPort]).toMatchObject([
    { domid: guest.domid, is: 'interdomain', pending: false, masked: false },
    { domid: 0, is: 'interdomain', pending: false, masked: false },
  ])
  store.letGo()
  await Promise.all(reads)
})

test('a request that was published without a word to the backend is found', async () => {
  await attachDisk()
  await serveDisk(new MemoryBlockStore(new Uint8Array(4096)))
  // The guest's events get lost from here on.
  const { events } = guest
  let mute = false
  const deaf: Platform = {
    ...parts(guest),
    events: new Proxy(events, {
      get: (_, name) => {
        if (name === 'notify') return (port: Parameters<typeof events.notify>[0]) => mute || events.notify(port)
        const value = Reflect.get(events, name, events) as unknown
        return typeof value === 'function' ? value.bind(events) : value
      },
    }),
  }
  const disk = await BlkifFrontend.open(deaf, 'xvda')
  mute = true
  const read = disk.read(0, new Uint8Array(512))
  await settle()
  const { waitsFor, backendPort } = await why('xvda')
  expect(waitsFor).toMatch(/^The backend: 1 request unanswered, 1 of them perhaps not taken; the backend sleeps/)
  mute = false
  events.notify(guestPort((await why('xvda')).frontendPort!.port))
  await read
  expect(backendPort?.pending).toBe(false)
  ends.push(() => disk.close())
})

test('a console whose guest does not read, and one that nobody serves', async () => {
  const terminal = new ConsoleFrontend({ ...guest.console, events: guest.events })
  ends.push(() => terminal.close())
  await terminal.line('hello')
  const unserved = await why('console')
  expect(unserved.ring).toMatchObject({ toBackend: 7, toBackendBytes: 2048 })
  expect(unserved.waitsFor).toMatch(/^The other end: port \d+ of domain 1 waits for the daemon to bind it/)
  const consoles = await ConsoleDaemon.start({ platform: host.dom0 })
  ends.push(() => consoles.close())
  await settle()
  expect((await why('console')).waitsFor).toBe('Nothing: all that was written has been read.')
  const writer = consoles.get(guest.domid)!.attachWriter()
  await writer.writable.getWriter().write(new Uint8Array(3))
  await settle()
  expect((await why('console')).waitsFor).toMatch(/^The frontend: 3 bytes not read/)
})

test('without a device named, all of them, and the guest’s XenStore ring among them', async () => {
  await attachDisk()
  const { devices } = await report()
  expect(devices.map(({ device }) => device)).toEqual(['xenstore', 'console', 'vbd/51712'])
  expect(devices[0]?.waitsFor).toBe('Nothing: all that was written has been read.')
  expect(devices[0]?.ringGrants[0]?.holders).toEqual([{ domid: 0, access: 'writable' }])
})

test('a device that is not there: what there is instead', async () => {
  await attachDisk()
  await expect(report('xvdb')).rejects.toThrow(
    'ENOENT: domain 1 has no device xvdb: it has xenstore, console, vbd/51712 (xvda)',
  )
})

test('keys that make no sense are left out, and nothing throws', async () => {
  await attachDisk()
  for (const [key, value] of Object.entries({
    'ring-ref': '999999',
    'event-channel': '-3',
    state: 'up',
    protocol: 'x',
  }))
    await guest.xenstore.write(`device/vbd/51712/${key}`, value)
  const { frontend, ring, frontendPort, ringGrants } = await why('xvda')
  expect([frontend?.state, ring, frontendPort]).toEqual([0, undefined, undefined])
  expect(ringGrants).toEqual([{ ref: 999_999, holders: [] }])
})

test.each(['/local/domain/0/backend/vbd/1/1', 'no path //', '/local/domain/0'])(
  'a backend that the guest made up (%s) is none',
  async (backend) => {
    await attachDisk()
    await guest.xenstore.write('device/vbd/51712/backend', backend)
    const report = await why('xvda')
    expect(report.backend).toBeUndefined()
    expect(report.waitsFor).toBe('The toolstack: the frontend names no backend that is there.')
  },
)

test('for a person: what is waited for first, and no command to the terminal', async () => {
  await attachDisk()
  await guest.xenstore.write('error/device/vbd/51712/error', '5 \u001b[2Jgone')
  const text = whyText(await report('xvda', '--p---'))
  expect(text.split('\n').slice(0, 4)).toEqual([
    'mini (domain 1, --p---)',
    '',
    'vbd/51712 (xvda)',
    expect.stringMatching(/^ {2}waits for {3}Domain 1 is paused: .* The frontend has failed: 5 \\u001b\[2Jgone\./),
  ])
  expect(text).toMatch(/\n {2}frontend {4}Initialising, domain 1, \/local\/domain\/1\/device\/vbd\/51712, error: 5 /)
  expect(text).not.toContain('\u001b')
})

const parts = ({ domid, sharer, mapper, xenstore, clock, supports }: Platform) => ({
  domid,
  sharer,
  mapper,
  xenstore,
  clock,
  supports,
  [Symbol.asyncDispose]: async () => {},
})

const guestPort = (port: number) => port as Parameters<EmulatedPlatform['events']['notify']>[0]
