import {
  ARM_ABI,
  BlkifBackendBus,
  BlkifFrontend,
  type BlockStore,
  MemoryBlockStore,
  X86_32_ABI,
  X86_64_ABI,
} from '@split-driver/blkif'
import { SeededRandom } from '@split-driver/conformance'
import { EmulatedHost } from '@split-driver/emulator'
import { XenstoreServer } from '@split-driver/xenstored'
import type { RelOptions, RelOutcome, RelSuite } from './rel-suite.js'

const OPERATIONS_PER_WORLD = 250
const SECTORS = 4096
const SECTOR_BYTES = 512
const DISK_BYTES = SECTORS * SECTOR_BYTES

/** Most calls that overlap: more than a ring of one page holds. */
const MAX_BURST = 48

/** Sectors of the longest call: several requests of 88. */
const MAX_SECTORS = 300

/** Answers after a random number of turns, so that requests are done in any order. */
const tardy = (inner: MemoryBlockStore, random: SeededRandom): BlockStore => {
  const later = async (action: () => void): Promise<void> => {
    for (let turns = random.below(6); turns > 0; turns--) await Promise.resolve()
    action()
  }
  return {
    byteLength: inner.byteLength,
    sectorBytes: inner.sectorBytes,
    readOnly: false,
    read: (position, targets) => later(() => inner.read(position, targets)),
    write: (position, sources) => later(() => inner.write(position, sources)),
    flush: () => later(() => inner.flush()),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  }
}

/** One guest with one disk, beside what that disk must hold. */
class DiskTrial {
  readonly #random: SeededRandom
  readonly #content: Uint8Array
  readonly #model: Uint8Array
  readonly #sectorBytes: number
  readonly #disk: BlkifFrontend

  constructor(random: SeededRandom, content: Uint8Array, sectorBytes: number, disk: BlkifFrontend) {
    this.#random = random
    this.#content = content
    this.#model = content.slice()
    this.#sectorBytes = sectorBytes
    this.#disk = disk
  }

  /** Calls that overlap in time but not on the disk, so that the model knows the outcome. @returns how many */
  async burst(atMost: number): Promise<number> {
    const ranges = this.#ranges(Math.min(atMost, 1 + this.#random.below(MAX_BURST)))
    const flushes = this.#random.below(4) === 0 && ranges.length < atMost ? [this.#disk.flush()] : []
    await Promise.all([...ranges.map((range) => this.#call(range)), ...flushes])
    return ranges.length + flushes.length
  }

  /** The whole disk, as the guest reads it and as it lies in the store. */
  async judge(): Promise<void> {
    const whole = new Uint8Array(DISK_BYTES)
    await this.#disk.read(0, whole)
    this.#demandEqual(whole, 0, 'the whole disk, as the guest reads it')
    this.#demandEqual(this.#content, 0, 'the whole disk, as it lies in the store')
  }

  #ranges(count: number): { sector: number; sectors: number }[] {
    const ranges: { sector: number; sectors: number }[] = []
    const unit = this.#sectorBytes / SECTOR_BYTES
    const room = Math.floor(SECTORS / count / unit)
    for (let i = 0; i < count; i++) {
      const start = this.#random.below(room)
      const length = 1 + this.#random.below(Math.min(room - start, Math.floor(MAX_SECTORS / unit)))
      ranges.push({ sector: (i * room + start) * unit, sectors: length * unit })
    }
    return ranges
  }

  async #call({ sector, sectors }: { sector: number; sectors: number }): Promise<void> {
    const at = sector * SECTOR_BYTES
    if (this.#random.below(2) === 0) {
      const source = this.#random.bytes(64)
      const bytes = Uint8Array.from({ length: sectors * SECTOR_BYTES }, (_, i) => source[i & 63]! + (i >> 6))
      this.#model.set(bytes, at)
      await this.#disk.write(sector, this.#pieces(bytes))
    } else {
      const target = new Uint8Array(sectors * SECTOR_BYTES)
      await this.#disk.read(sector, this.#pieces(target))
      this.#demandEqual(target, at, `${sectors} sectors at ${sector}`)
    }
  }

  /** The same bytes as a scatter list, cut anywhere. */
  #pieces(bytes: Uint8Array): Uint8Array[] {
    const cuts = Array.from({ length: this.#random.below(5) }, () => this.#random.below(bytes.length + 1))
    const ends = [...cuts.sort((a, b) => a - b), bytes.length]
    return ends.map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end))
  }

  #demandEqual(seen: Uint8Array, at: number, what: string): void {
    const wrong = seen.findIndex((byte, i) => byte !== this.#model[at + i])
    if (wrong < 0) return
    throw new Error(`${what}: byte ${at + wrong} is ${seen[wrong]}, not ${this.#model[at + wrong]}`)
  }
}

/** Runs one world. @returns how many operations it made */
const tryWorld = async (random: SeededRandom, operations: number): Promise<number> => {
  const content = random.bytes(DISK_BYTES)
  const sectorBytes = random.pick([512, 512, 4096])
  const store = new MemoryBlockStore(content, { sectorBytes })
  const openStore = async () => (random.below(2) === 0 ? store : tardy(store, random))
  const options = { abi: random.pick([X86_64_ABI, X86_32_ABI, ARM_ABI]), ringPageOrder: random.below(5) }
  await using host = await EmulatedHost.boot({ memoryMiB: 96, xenstored: (dom0) => new XenstoreServer(dom0) })
  let done = 0
  {
    await using bus = await new BlkifBackendBus(host.dom0, { openStore }).open()
    const guest = await host.createGuest({ name: 'guest', memoryPages: random.pick([1024, 8192]) })
    await host.toolstack.attachDevice(guest, { type: 'vbd', id: 51712, backendKeys: { mode: 'w' } })
    await using disk = await BlkifFrontend.open(guest, 'xvda', options)
    const trial = new DiskTrial(random, content, sectorBytes, disk)
    while (done < operations) done += await trial.burst(operations - done)
    await trial.judge()
    const [backend] = bus.devices
    if (backend!.stats.errors > 0)
      throw new Error(`the backend answered ${backend!.stats.errors} requests with an error`)
  }
  const left = host.machine.ledger().map(({ what }) => what)
  if (left.length > 0) throw new Error(`still open at the end: ${left.join('; ')}`)
  return done
}

export const suite: RelSuite = {
  name: 'block',
  describe:
    'one try is one read, write or flush of random shape over an emulated disk; every byte must equal the model',
  run: async ({ n, seed, progress }: RelOptions): Promise<RelOutcome> => {
    const violations: string[] = []
    let done = 0
    for (let world = 0; done < n; world++) {
      const worldSeed = (seed + Math.imul(world, 0x9e37_79b9)) >>> 0
      const operations = Math.min(OPERATIONS_PER_WORLD, n - done)
      try {
        await tryWorld(new SeededRandom(worldSeed), operations)
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        violations.push(`world ${world}, --seed ${worldSeed} --n ${operations}: ${reason}`)
      }
      done += operations
      progress(done)
    }
    return { done, violations, detail: { operationsPerWorld: OPERATIONS_PER_WORLD } }
  },
}
