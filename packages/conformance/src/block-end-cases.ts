import { SECTOR_BYTES } from '@split-driver/abi'
import type { BlkifFrontend } from '@split-driver/blkif'
import { XenbusState } from '@split-driver/xenbus'
import { assert, assertEqual, assertList } from './assert.js'
import type { SuiteCase, SuiteRandom } from './suite.js'
import { attachDisk, DelayedStore, DISK_BYTES, DiskImages, openDisk, serveDisks } from './suite-disk.js'
import { eventually, within } from './wait.js'
import type { World } from './world.js'

/** Milliseconds that a request takes, so that others are under way when something ends. */
const DELAY_MS = 20

/** A disk with a slow backend, its guest, and a guest beside it whose disk must not notice anything. */
const twoSlowDisks = async (world: World, { seed }: SuiteRandom) => {
  const stores: DelayedStore[] = []
  const images = new DiskImages(seed)
  const guest = await world.createGuest()
  const neighbour = await world.createGuest()
  const backend = await serveDisks(world, images, (store) => {
    const delayed = new DelayedStore(store, world.dom0.clock, DELAY_MS)
    stores.push(delayed)
    return delayed
  })
  const device = await attachDisk(world, guest)
  await attachDisk(world, neighbour)
  const disk = await openDisk(world, guest)
  const other = await openDisk(world, neighbour)
  const checkOther = async (): Promise<void> => {
    const read = new Uint8Array(DISK_BYTES)
    await within(world.dom0.clock, other.read(0, read), 'the neighbour’s read')
    assertList(read, images.of(neighbour), 'the neighbour’s disk')
    await other.close()
  }
  const busy = () => eventually(world.dom0.clock, () => stores.some(({ begun }) => begun > 0), 'I/O to be under way')
  return { guest, backend, device, disk, images, busy, checkOther }
}

/** More requests than the ring holds, reads and writes; every one of them settles, in whatever way. */
const flood = (disk: BlkifFrontend): Promise<PromiseSettledResult<void>[]> =>
  Promise.allSettled(
    Array.from({ length: 60 }, (_, i) => {
      const buffer = new Uint8Array(8 * SECTOR_BYTES).fill(i)
      return i % 2 === 0 ? disk.read(i * 16, buffer) : disk.write(i * 16, buffer)
    }),
  )

/** How a disk's life ends: in order, and in every other way. */
export const blockEndCases: SuiteCase[] = [
  {
    name: 'rule 35: a disk that was closed in order can be opened again, and holds what was written',
    run: async (world, { seed }) => {
      const images = new DiskImages(seed)
      const guest = await world.createGuest()
      await using _backend = await serveDisks(world, images)
      const { frontendPath } = await attachDisk(world, guest)
      const sent = new Uint8Array(SECTOR_BYTES).fill(0x5a)
      for (let life = 0; life < 3; life++) {
        await using disk = await openDisk(world, guest)
        const read = new Uint8Array(SECTOR_BYTES)
        await disk.read(life, read)
        assertList(read, images.of(guest).subarray(life * SECTOR_BYTES, (life + 1) * SECTOR_BYTES), 'the next sector')
        await disk.write(life, sent)
        await disk.close()
        const state = await guest.platform.xenstore.read(`${frontendPath}/state`)
        assertEqual(state, String(XenbusState.Closed), 'the frontend’s state')
      }
      assert(
        images
          .of(guest)
          .subarray(0, 3 * SECTOR_BYTES)
          .every((byte) => byte === 0x5a),
        'what was written is not in the image',
      )
    },
  },
  {
    name: 'closing a disk lets the requests that are under way finish',
    run: async (world, random) => {
      const { backend, disk, busy, checkOther } = await twoSlowDisks(world, random)
      const requests = flood(disk)
      await busy()
      await within(world.dom0.clock, disk.close(), 'the disk to close', 10_000)
      const outcomes = await within(world.dom0.clock, requests, 'every request to settle')
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') assertEqual(outcome.reason.code, 'CLOSED', 'why a request was not done')
      await checkOther()
      await backend.close()
    },
  },
  {
    name: 'B5: a guest that is destroyed in the middle of I/O leaves nothing open, and its neighbour does not notice',
    run: async (world, random) => {
      const { guest, backend, disk, busy, checkOther } = await twoSlowDisks(world, random)
      void flood(disk)
      await busy()
      await guest.destroy()
      await checkOther()
      const gone = () => !backend.devices.some(({ path }) => path.includes(`/${guest.domid}/`))
      await eventually(world.dom0.clock, gone, 'the backend to let go')
      await backend.close()
    },
  },
  {
    name: 'B10: a backend that closes in the middle of I/O: every request settles once',
    run: async (world, random) => {
      const { backend, disk, busy, checkOther, guest } = await twoSlowDisks(world, random)
      const requests = flood(disk)
      await busy()
      const device = backend.devices.find(({ path }) => path.includes(`/${guest.domid}/`))
      assert(device !== undefined, 'the backend does not serve the guest’s disk')
      await within(world.dom0.clock, device.close(), 'the backend’s device to close', 10_000)
      await within(world.dom0.clock, requests, 'every request to settle')
      await within(world.dom0.clock, disk.close(), 'the frontend to close')
      await checkOther()
      await backend.close()
    },
  },
  {
    name: 'B10: a device whose directories are removed in the middle of I/O: every request settles once, nothing is left',
    run: async (world, random) => {
      const { backend, device, disk, busy, checkOther } = await twoSlowDisks(world, random)
      const requests = flood(disk)
      await busy()
      await device.remove()
      await within(world.dom0.clock, requests, 'every request to settle', 10_000)
      await within(world.dom0.clock, disk.close(), 'the frontend to close', 10_000)
      await checkOther()
      await backend.close()
    },
  },
]
