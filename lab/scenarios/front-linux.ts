import assert from 'node:assert/strict'
import { SECTOR_BYTES } from '@split-driver/abi'
import { BlkifFrontend } from '@split-driver/blkif'
import { SeededRandom } from '@split-driver/conformance'
import type { AttachedDevice } from '@split-driver/xenbus'
import { DiskImage, seededBytes } from '../src/dom0/disk-image.js'
import { type OpenDom0, openDom0 } from '../src/dom0/open-dom0.js'
import { inTime } from '../src/dom0/patience.js'
import { attachDisk, LoopDevice } from '../src/dom0/virtual-disk.js'
import type { Lab, Scenario } from '../src/scenario.js'

const MIB = 1 << 20
const DISK_BYTES = 8 * MIB
const SEED = 5
const WRITES = 32
const MAX_SECTORS = 256
/** Seconds for a handshake. */
const PATIENCE = 60

export const scenario: Scenario = {
  name: 'front-linux',
  summary: "our block frontend on Linux's xen-blkback, in dom0 with itself: read, write, flush, detach",
  limitSeconds: 120,
  async run(lab) {
    const dom0 = await openDom0(lab)
    const image = DiskImage.create(`${lab.folder}/disk.img`, DISK_BYTES, SEED)
    for (const mode of ['w', 'r'] as const) await checkDisk(lab, dom0, image, mode)
  },
}

const checkDisk = async (lab: Lab, dom0: OpenDom0, image: DiskImage, mode: 'r' | 'w'): Promise<void> => {
  const { platform, xenstore } = dom0
  const loop = await LoopDevice.over(image.path)
  lab.atEnd(() => loop[Symbol.asyncDispose]())
  const device = await attachDisk(xenstore, platform.domid, { name: 'xvda', path: loop.path, mode, by: 'linux' })
  lab.atEnd(() => device.remove())
  const kind = mode === 'r' ? 'a read-only disk' : 'a disk'
  const disk = await lab.check(`${kind} of Linux's backend connects, with its size and features`, async () => {
    const opened = await BlkifFrontend.open(platform, 'xvda', { signal: AbortSignal.timeout(PATIENCE * 1000) })
    assert.equal(opened.sectorCount, DISK_BYTES / SECTOR_BYTES)
    assert.equal(opened.readOnly, mode === 'r')
    assert.ok(opened.features.flushCache)
    return opened
  })
  lab.atEnd(() => disk.close({ signal: AbortSignal.timeout(PATIENCE * 1000) }))
  await lab.check(`${kind}: all of it, read with many requests under way, is what the file holds`, async () => {
    assert.deepEqual(image.differences(await readAll(disk)), [])
  })
  if (mode === 'w') await checkWrites(lab, disk, image)
  else await checkRefusal(lab, disk, image)
  await checkDetach(lab, dom0, { disk, device, loop, kind })
}

const readAll = async (disk: BlkifFrontend): Promise<Uint8Array> => {
  const bytes = new Uint8Array(disk.sectorCount * SECTOR_BYTES)
  const parts = Array.from({ length: bytes.length / MIB }, (_, i) => i * MIB)
  const read = (at: number) => disk.read(at / SECTOR_BYTES, bytes.subarray(at, at + MIB))
  await inTime(PATIENCE, 'the disk to be read', Promise.all(parts.map(read)))
  return bytes
}

const checkWrites = async (lab: Lab, disk: BlkifFrontend, image: DiskImage): Promise<void> => {
  await lab.check(`${WRITES} random writes and a flush are in the file behind Linux's backend`, async () => {
    const random = new SeededRandom(SEED + 1)
    const model = image.read()
    for (let i = 0; i < WRITES; i++) {
      const sectors = 1 + random.below(MAX_SECTORS)
      const sector = random.below(disk.sectorCount - sectors)
      const bytes = seededBytes(random, sectors * SECTOR_BYTES)
      model.set(bytes, sector * SECTOR_BYTES)
      await inTime(PATIENCE, `write ${i}`, disk.write(sector, bytes))
    }
    await inTime(PATIENCE, 'the flush', disk.flush())
    assert.deepEqual(image.differences(model), [])
    assert.deepEqual(Buffer.compare(await readAll(disk), model), 0)
  })
}

const checkRefusal = async (lab: Lab, disk: BlkifFrontend, image: DiskImage): Promise<void> => {
  await lab.check('a read-only disk is not written to', async () => {
    const before = image.sha256()
    await assert.rejects(disk.write(0, new Uint8Array(SECTOR_BYTES)), { code: 'EROFS' })
    assert.equal(image.sha256(), before)
  })
}

interface Connected {
  readonly disk: BlkifFrontend
  readonly device: AttachedDevice
  readonly loop: LoopDevice
  readonly kind: string
}

const checkDetach = async (
  lab: Lab,
  { platform }: OpenDom0,
  { disk, device, loop, kind }: Connected,
): Promise<void> => {
  await lab.check(
    `${kind} is detached by the toolstack: the frontend follows, and nothing is held by either side`,
    async () => {
      assert.notDeepEqual(platform.holdings(), [])
      const closed = new Promise((resolve) => disk.once('closed', resolve))
      await device.detach(AbortSignal.timeout(PATIENCE * 1000))
      await inTime(PATIENCE, 'the frontend to close', closed)
      assert.deepEqual(platform.holdings(), [])
      // Linux's backend has let go of the loop device, or this would fail.
      await loop.detach()
    },
  )
}
