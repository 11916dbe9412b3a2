import { SECTOR_BYTES } from '@split-driver/abi'
import { type BlkifAbi, type BlkifFrontend, type BlockStore, NATIVE_ABI, X86_32_ABI } from '@split-driver/blkif'
import { assert, assertEqual, assertList, assertRejects } from './assert.js'
import { SeededRandom } from './seeded-random.js'
import type { SuiteCase } from './suite.js'
import { attachDisk, DISK_BYTES, DiskImages, openDisk, serveDisks } from './suite-disk.js'
import { within } from './wait.js'
import type { World } from './world.js'

const SECTORS = DISK_BYTES / SECTOR_BYTES

/** Lanes of sectors, each worked on in order while the others are, too. */
const LANES = 8

/** Writes a random run of sectors, then reads it back, over and over, in every lane at once. */
const churn = async (disk: BlkifFrontend, rounds: number, seed: number): Promise<void> => {
  const laneSectors = SECTORS / LANES
  const work = async (lane: number): Promise<void> => {
    const random = new SeededRandom(seed * LANES + lane + 1)
    for (let round = 0; round < rounds; round++) {
      const count = 1 + random.below(64)
      const sector = lane * laneSectors + random.below(laneSectors - count)
      const sent = random.bytes(count * SECTOR_BYTES)
      await disk.write(sector, sent)
      const read = new Uint8Array(sent.length)
      await disk.read(sector, read)
      assertList(read, sent, `seed ${seed}, lane ${lane}, round ${round}`)
    }
  }
  await Promise.all(Array.from({ length: LANES }, (_, lane) => work(lane)))
}

const churnOn = async (
  world: World,
  seed: number,
  rounds: number,
  options: { abi?: BlkifAbi; ringPageOrder?: number },
) => {
  const images = new DiskImages(seed)
  const guest = await world.createGuest()
  const image = images.of(guest)
  await using _backend = await serveDisks(world, images)
  await attachDisk(world, guest)
  await using disk = await openDisk(world, guest, options)
  await within(world.dom0.clock, churn(disk, rounds, seed), 'all transfers', 60_000)
  const all = new Uint8Array(DISK_BYTES)
  await disk.read(0, all)
  assertList(all, image, 'the whole disk')
}

/** The three layouts of rule 13 that a machine can have, and the ring orders. */
const shapes: { readonly what: string; readonly abi: BlkifAbi; readonly ringPageOrder: number }[] = [
  { what: 'the native layout, one ring page', abi: NATIVE_ABI, ringPageOrder: 0 },
  { what: 'the 32-bit x86 layout, one ring page', abi: X86_32_ABI, ringPageOrder: 0 },
  ...[1, 2, 3, 4].map((ringPageOrder) => ({
    what: `the native layout, ${1 << ringPageOrder} ring pages`,
    abi: NATIVE_ABI,
    ringPageOrder,
  })),
]

/** Counts flushes, and fails requests that begin at one sector. */
class TroubledStore implements BlockStore {
  flushes = 0
  readonly #store: BlockStore
  readonly #badPosition: number

  constructor(store: BlockStore, badSector: number) {
    this.#store = store
    this.#badPosition = badSector * SECTOR_BYTES
  }

  get byteLength(): number {
    return this.#store.byteLength
  }

  get sectorBytes(): number {
    return this.#store.sectorBytes
  }

  get readOnly(): boolean {
    return this.#store.readOnly
  }

  read(position: number, targets: readonly Uint8Array[]): void | Promise<void> {
    if (position === this.#badPosition) return Promise.reject(new Error('the medium is damaged'))
    return this.#store.read(position, targets)
  }

  write(position: number, sources: readonly Uint8Array[]): void | Promise<void> {
    if (position === this.#badPosition) return Promise.reject(new Error('the medium is damaged'))
    return this.#store.write(position, sources)
  }

  flush(): void {
    this.flushes++
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]()
  }
}

/** Data on its way to and from the disk. */
export const blockTransferCases: SuiteCase[] = [
  {
    name: 'rule 24: a guest sees its disk as the backend describes it, and reads what is in the image',
    run: async (world, { seed }) => {
      const images = new DiskImages(seed)
      const guest = await world.createGuest()
      await using _backend = await serveDisks(world, images)
      await attachDisk(world, guest)
      await using disk = await openDisk(world, guest)
      assertEqual(disk.sectorCount, SECTORS, 'sectorCount')
      assertEqual(disk.sectorBytes, SECTOR_BYTES, 'sectorBytes')
      assertEqual(disk.readOnly, false, 'readOnly')
      const whole = new Uint8Array(DISK_BYTES)
      await disk.read(0, whole)
      assertList(whole, images.of(guest), 'the whole disk in one call')
      const last = new Uint8Array(SECTOR_BYTES)
      await disk.read(SECTORS - 1, last)
      assertList(last, images.of(guest).subarray(-SECTOR_BYTES), 'the last sector')
    },
  },
  {
    name: 'B7, rule 18: a write changes the named sectors and no others, whatever the pieces it comes in',
    run: async (world, { seed }) => {
      const images = new DiskImages(seed)
      const guest = await world.createGuest()
      await using _backend = await serveDisks(world, images)
      await attachDisk(world, guest)
      await using disk = await openDisk(world, guest)
      const model = images.of(guest).slice()
      const random = new SeededRandom(seed)
      for (const [sector, pieces] of [
        [0, [512]],
        [7, [512, 512]],
        [100, [4096, 512, 8192]],
        [SECTORS - 300, [153_600]],
      ] as const) {
        const sources = pieces.map((bytes) => random.bytes(bytes))
        await disk.write(sector, sources)
        let at = sector * SECTOR_BYTES
        for (const source of sources) {
          model.set(source, at)
          at += source.length
        }
        const targets = pieces.map((bytes) => new Uint8Array(bytes))
        await disk.read(sector, targets)
        for (const [i, target] of targets.entries()) assertList(target, sources[i]!, `piece ${i} at sector ${sector}`)
      }
      assertList(images.of(guest), model, 'the image')
    },
  },
  ...shapes.map(
    ({ what, ...options }): SuiteCase => ({
      name: `rules 2 and 13: random transfers, many at once, in ${what}`,
      run: (world, { seed, scale }) => churnOn(world, seed, Math.ceil(8 * scale), options),
    }),
  ),
  {
    name: 'B3: a disk that is attached read-only refuses writes, and its image stays as it was',
    run: async (world, { seed }) => {
      const images = new DiskImages(seed)
      const guest = await world.createGuest()
      const before = images.of(guest).slice()
      await using _backend = await serveDisks(world, images)
      await attachDisk(world, guest, 'r')
      await using disk = await openDisk(world, guest)
      assertEqual(disk.readOnly, true, 'readOnly')
      await assertRejects(disk.write(0, new Uint8Array(SECTOR_BYTES)), ['EROFS'], 'a write')
      await disk.read(0, new Uint8Array(SECTOR_BYTES))
      assertList(images.of(guest), before, 'the image')
    },
  },
  {
    name: 'a store that fails costs the one request, EIO; flush reaches the store',
    run: async (world, { seed }) => {
      const stores: TroubledStore[] = []
      const images = new DiskImages(seed)
      const guest = await world.createGuest()
      await using _backend = await serveDisks(world, images, (store) => {
        const troubled = new TroubledStore(store, 16)
        stores.push(troubled)
        return troubled
      })
      await attachDisk(world, guest)
      await using disk = await openDisk(world, guest)
      const sector = new Uint8Array(SECTOR_BYTES)
      const all = [disk.read(8, sector), disk.read(16, sector), disk.write(16, sector), disk.write(24, sector)]
      const outcomes = await Promise.allSettled(all)
      assertList(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
        'outcomes',
      )
      await assertRejects(all[1]!, ['EIO'], 'the read that failed')
      await disk.flush()
      assert(stores.length === 1 && stores[0]!.flushes === 1, 'the flush did not reach the store once')
    },
  },
  {
    name: 'two guests with a disk each, at the same time, see each its own',
    run: async (world, { seed }) => {
      const images = new DiskImages(seed)
      const [one, two] = [await world.createGuest(), await world.createGuest()]
      await using _backend = await serveDisks(world, images)
      for (const guest of [one, two]) await attachDisk(world, guest)
      await using first = await openDisk(world, one)
      await using second = await openDisk(world, two)
      const [read, other] = [new Uint8Array(DISK_BYTES), new Uint8Array(DISK_BYTES)]
      await Promise.all([first.read(0, read), second.read(0, other)])
      assertList(read, images.of(one), 'the first disk')
      assertList(other, images.of(two), 'the second disk')
    },
  },
]
