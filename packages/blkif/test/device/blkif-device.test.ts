import { ARM_ABI, BlkifFrontend, MemoryBlockStore, X86_32_ABI, X86_64_ABI } from '@split-driver/blkif'
import { XenbusState } from '@split-driver/xenbus'
import { describe, expect, test } from 'vitest'
import { patternDisk } from '../fakes/engine-bench.js'
import { DiskHost, XVDA } from './emulated-disk.js'

describe.each([X86_64_ABI, X86_32_ABI, ARM_ABI])('a disk over $protocol', (abi) => {
  test.each([0, 1, 4])('rule 25: with ring order %i, is read, written and flushed', async (ringPageOrder) => {
    const content = patternDisk(2048)
    await using world = await DiskHost.boot()
    const guest = await world.guest(content)
    await using disk = await BlkifFrontend.open(guest, 'xvda', { abi, ringPageOrder })
    expect(disk).toMatchObject({ sectorCount: 2048, sectorBytes: 512, physicalSectorBytes: 512, readOnly: false })
    expect(disk.features).toMatchObject({ flushCache: true, barrier: true })

    const all = new Uint8Array(2048 * 512)
    await disk.read(0, all)
    expect(Buffer.compare(all, content)).toBe(0)
    const source = new Uint8Array(300 * 512).map((_, i) => i * 5)
    await disk.write(100, [source.subarray(0, 1000), source.subarray(1000)])
    await disk.flush()
    expect(Buffer.compare(content.subarray(100 * 512, 400 * 512), source)).toBe(0)
    expect([content[99 * 512], content[400 * 512]]).toEqual([100, 401 & 0xff])
    const [backend] = world.bus.devices
    // 32 pages a request: eight reads; 256 and 44 sectors written.
    expect(backend!.stats).toMatchObject({ reads: 8, writes: 2, flushes: 1, errors: 0 })
    expect(disk.stats).toMatchObject({ reads: 8, writes: 2, indirect: 9, flushes: 1, errors: 0 })
  })
})

test('a frontend can be closed and opened again, as often as it likes', async () => {
  await using world = await DiskHost.boot()
  const guest = await world.guest(patternDisk(64))
  for (let round = 0; round < 5; round++) {
    await using disk = await BlkifFrontend.open(guest, XVDA, { ringPageOrder: round })
    const target = new Uint8Array(512)
    await disk.read(round, target)
    expect(target[0]).toBe(round + 1)
  }
  expect(world.open.size).toBeLessThanOrEqual(1)
})

describe.each(['inline', 'threads'] as const)('%s', (mode) => {
  // 512 slots: more requests wait at a time than the backend serves before it lets others have their turn.
  test.each([0, 4])('calls that overlap are all served, more than a ring of order %i holds', async (ringPageOrder) => {
    await using world = await DiskHost.boot({}, mode)
    const guest = await world.guest(patternDisk(1024))
    await using disk = await BlkifFrontend.open(guest, 'device/vbd/51712', { ringPageOrder })
    const targets = Array.from({ length: 1000 }, () => new Uint8Array(512))
    await Promise.all(targets.map((target, sector) => disk.read(sector, target)))
    expect(targets.every((target, sector) => target[0] === ((sector + 1) & 0xff))).toBe(true)
    expect(disk.stats.notificationsSent).toBeLessThan(200)
  })
})

describe('what a caller may not ask for', () => {
  test('is a RangeError, and the device goes on', async () => {
    await using world = await DiskHost.boot()
    const guest = await world.guest(patternDisk(64))
    await using disk = await BlkifFrontend.open(guest, 'xvda')
    const sector = new Uint8Array(512)
    for (const [at, target] of [
      [64, sector],
      [63, new Uint8Array(1024)],
      [-1, sector],
      [0.5, sector],
      [Number.NaN, sector],
      [0, new Uint8Array(511)],
    ] as const) {
      await expect(disk.read(at, target)).rejects.toThrow(RangeError)
      await expect(disk.write(at, target)).rejects.toThrow(RangeError)
    }
    await disk.read(0, [])
    await disk.read(63, sector)
    expect(sector[0]).toBe(64)
  })

  test('after close is CLOSED', async () => {
    await using world = await DiskHost.boot()
    const guest = await world.guest(patternDisk(64))
    const disk = await BlkifFrontend.open(guest, 'xvda')
    await disk.close()
    await expect(disk.read(0, new Uint8Array(512))).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(disk.flush()).rejects.toMatchObject({ code: 'CLOSED' })
  })

  test('an unknown disk is ENODEV; a name that is none, a RangeError', async () => {
    await using world = await DiskHost.boot()
    const guest = await world.guest()
    await expect(BlkifFrontend.open(guest, 'xvdb')).rejects.toMatchObject({ code: 'ENODEV' })
    await expect(BlkifFrontend.open(guest, 'disk')).rejects.toThrow(RangeError)
    await expect(BlkifFrontend.open(guest, 'xvda', { ringPageOrder: 5 })).rejects.toThrow(RangeError)
  })
})

describe('B3: a read-only disk', () => {
  test("is read-only by the toolstack's mode, whatever the guest writes into its own directory", async () => {
    const content = patternDisk(64)
    await using world = await DiskHost.boot()
    const guest = await world.guest(content, { mode: 'r', frontendKeys: { mode: 'w' } })
    await guest.xenstore.write('device/vbd/51712/mode', 'w')
    await using disk = await BlkifFrontend.open(guest, 'xvda')
    expect(disk.readOnly).toBe(true)
    await expect(disk.write(0, new Uint8Array(512))).rejects.toMatchObject({ code: 'EROFS' })
    await disk.read(0, new Uint8Array(512))
    expect(content).toEqual(patternDisk(64))
  })
})

describe('devices that come and go', () => {
  test('are served: two of one guest, one of another; detached in order while in use', async () => {
    await using world = await DiskHost.boot()
    const one = await world.guest(patternDisk(64))
    const two = await world.guest(patternDisk(64))
    const extra = await world.attach(one, patternDisk(128), { id: XVDA + 16 })
    const disks = await Promise.all([
      BlkifFrontend.open(one, 'xvda'),
      BlkifFrontend.open(one, 'xvdb'),
      BlkifFrontend.open(two, 'xvda'),
    ])
    expect(disks.map(({ sectorCount }) => sectorCount)).toEqual([64, 128, 64])
    expect(world.bus.devices.length).toBe(3)
    const closed = new Promise((resolve) => disks[1]!.once('closed', resolve))
    // The two halves end on their own: neither waits for the other's last step.
    const removed = new Promise((resolve) => world.bus.once('device-closed', resolve))
    await extra.detach()
    await Promise.all([closed, removed])
    await expect(disks[1]!.read(0, new Uint8Array(512))).rejects.toMatchObject({ code: 'CLOSED' })
    await disks[0]!.read(0, new Uint8Array(512))
    expect(world.bus.devices.length).toBe(2)
    await Promise.all([disks[0]!.close(), disks[2]!.close()])
  })

  test('a guest destroyed in the middle of I/O leaves nothing, and others do not notice', async () => {
    await using world = await DiskHost.boot()
    const [victim, other] = [await world.guest(patternDisk(1024)), await world.guest(patternDisk(1024))]
    const doomed = await BlkifFrontend.open(victim, 'xvda')
    await using disk = await BlkifFrontend.open(other, 'xvda')
    const calls = Array.from({ length: 200 }, (_, i) => doomed.read(i, new Uint8Array(4096)))
    const outcomes = Promise.allSettled(calls)
    await world.host.toolstack.destroy(victim.domid)
    await disk.read(5, new Uint8Array(512))
    void outcomes
    while (world.bus.devices.length > 1) await disk.read(5, new Uint8Array(512))
    expect(world.host.machine.ledger().filter(({ domid }) => domid === victim.domid)).toEqual([])
  })

  test('a guest destroyed while a slow disk works for it: its pages stay mapped until then, and no longer', async () => {
    let release!: () => void
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const content = patternDisk(1024)
    await using world = await DiskHost.boot({
      openStore: async () => {
        const store = new MemoryBlockStore(content)
        const read = store.read.bind(store)
        store.read = (position, targets) => gate.then(() => read(position, targets)) as never
        return world.track(store)
      },
    })
    const victim = await world.guest(content)
    const disk = await BlkifFrontend.open(victim, 'xvda')
    void Promise.allSettled(Array.from({ length: 32 }, (_, i) => disk.read(i, new Uint8Array(8192))))
    await world.idle()
    await world.host.toolstack.destroy(victim.domid)
    await world.idle()
    const mappings = () =>
      world.host.machine.ledger().filter(({ domid, kind }) => domid === 0 && kind === 'mapping').length
    expect(mappings()).toBe(1 + 32 * 2)
    release()
    while (world.bus.devices.length > 0) await world.idle()
    expect(world.host.machine.ledger()).toEqual([])
  })

  test('the backend closes: every pending call is rejected with CLOSED', async () => {
    let release!: () => void
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    await using world = await DiskHost.boot({
      openStore: async () =>
        world.track({
          byteLength: 65536,
          sectorBytes: 512,
          readOnly: false,
          read: () => gate,
          write: () => gate,
          flush: () => gate,
          [Symbol.asyncDispose]: async () => undefined,
        }),
    })
    const guest = await world.guest(patternDisk(64))
    const disk = await BlkifFrontend.open(guest, 'xvda')
    const calls = Array.from({ length: 40 }, (_, i) => disk.read(i, new Uint8Array(512)))
    const outcomes = Promise.allSettled(calls)
    const closing = world.bus.devices[0]!.close()
    await world.idle()
    release()
    await closing
    const settled = await outcomes
    expect(settled.slice(32).every((o) => o.status === 'rejected' && o.reason.code === 'CLOSED')).toBe(true)
    await disk.close()
    expect(disk.state).toBe(XenbusState.Closed)
  })
})

describe('a disk that cannot be opened', () => {
  test('fails alone, and says why in its error node', async () => {
    await using world = await DiskHost.boot()
    const guest = await world.guest(patternDisk(64), { backendKeys: { params: 'nowhere.img' } })
    await world.attach(guest, patternDisk(64), { id: XVDA + 16 })
    expect(await world.backendError(guest)).toBe('22 there is no disk called "nowhere.img"')
    await using disk = await BlkifFrontend.open(guest, 'xvdb')
    await disk.read(0, new Uint8Array(512))
  })

  test.each(['', 'rw', 'W', '1'])('rule 37: mode %j makes no sense and is told', async (mode) => {
    await using world = await DiskHost.boot()
    const guest = await world.guest()
    await world.attach(guest, patternDisk(64), { backendKeys: { mode } })
    expect(await world.backendError(guest)).toMatch(/mode is .*; expected one of r, w/)
  })
})
