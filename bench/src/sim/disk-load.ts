import { SECTOR_BYTES } from '@split-driver/abi'
import { BlkifFrontend } from '@split-driver/blkif'
import type { SeededRandom } from '@split-driver/conformance'
import type { Clock, Platform } from '@split-driver/platform'
import type { DiskModel } from './disk-model.js'
import type { GuestLife } from './guest-life.js'
import { fillSectors } from './sector-pattern.js'
import type { Ending, Watchdog } from './watchdog.js'

/** Most requests of one burst. */
const MAX_BURST = 12

/** Sectors of the longest transfer: more than one request's. */
const MAX_SECTORS = 100

/** Milliseconds before a disk that could not be opened is tried again. */
const RETRY_MS = 100

/** How often it is tried when everything should be well again: more often than any plan makes it fail. */
const LAST_TRIES = 30

export interface DiskLoadParts {
  readonly name: string
  readonly platform: Platform
  readonly model: DiskModel
  readonly random: SeededRandom
  readonly watchdog: Watchdog
  /** The machine's own: it goes on while the guest is frozen. */
  readonly clock: Clock
  /** Whether the guest is there yet, and what is rejected when it is not any more. */
  readonly life: GuestLife
}

/** What one guest does with its disk, beside the model of what that disk may hold. */
export class DiskLoad {
  readonly #parts: DiskLoadParts
  #disk: BlkifFrontend | undefined

  constructor(parts: DiskLoadParts) {
    this.#parts = parts
  }

  /** Bursts of requests; a disk that closes meanwhile is opened again. */
  async work(rounds: number): Promise<void> {
    const { life, random } = this.#parts
    for (let round = 0; round < rounds && !life.over; round++) {
      if (await this.#ready()) await Promise.all(this.#burst())
      if (random.below(4) === 0) await this.#pause(random.below(50))
    }
  }

  /**
   * Everything is well again: the whole disk is read, and closed.
   * @param mayStayAway the guest has too little for a disk
   */
  async finish(mayStayAway: boolean): Promise<void> {
    const { watchdog, name, life, model } = this.#parts
    let read = false
    for (let tries = 0; !read && tries < LAST_TRIES && !life.over; tries++)
      read = (await this.#ready()) && (await this.#read(0, model.sectorCount))
    if (!read && !life.over && !mayStayAway) watchdog.note('lost-device', `${name}: its disk cannot be read any more`)
    await this.#close()
  }

  /** @returns whether there is a disk to work with; if not, some time has passed */
  async #ready(): Promise<boolean> {
    if (this.#disk !== undefined) return true
    const { platform, random } = this.#parts
    const disk = new BlkifFrontend(platform, 'device/vbd/51712', { ringPageOrder: random.below(3) })
    const { how } = await this.#ending('opening the disk', disk.open())
    this.#disk = disk
    if (how === 'done') return true
    await this.#close()
    await this.#pause(RETRY_MS)
    return false
  }

  async #close(): Promise<void> {
    const disk = this.#disk
    this.#disk = undefined
    if (disk !== undefined && !this.#parts.life.over) await this.#ending('closing the disk', disk.close())
  }

  /** Requests that overlap in time but not on the disk. */
  #burst(): Promise<unknown>[] {
    const { random, model } = this.#parts
    const count = 1 + random.below(MAX_BURST)
    const room = Math.floor(model.sectorCount / count)
    const requests: Promise<unknown>[] = []
    for (let i = 0; i < count; i++) {
      const start = random.below(room)
      const sectors = 1 + random.below(Math.min(room - start, MAX_SECTORS))
      const sector = i * room + start
      requests.push(random.below(3) === 0 ? this.#read(sector, sectors) : this.#write(sector, sectors))
      if (random.below(4) === 0) requests.push(this.#flush())
    }
    return requests
  }

  /** @returns whether it could be read */
  async #read(sector: number, count: number): Promise<boolean> {
    const { model, watchdog, name } = this.#parts
    const bytes = new Uint8Array(count * SECTOR_BYTES)
    const { losses } = model
    const done = await this.#request(`reading ${count} sectors at ${sector}`, (disk) => disk.read(sector, bytes))
    if (done) watchdog.judge('data', name, model.judgeRead(sector, bytes, losses))
    return done
  }

  async #write(sector: number, count: number): Promise<void> {
    const { model } = this.#parts
    const tag = model.beginWrite(sector, count)
    const bytes = new Uint8Array(count * SECTOR_BYTES)
    fillSectors(bytes, tag)
    const done = await this.#request(`writing ${count} sectors at ${sector}`, (disk) => disk.write(sector, bytes))
    if (done) model.endWrite(sector, count, tag)
  }

  async #flush(): Promise<void> {
    const { model } = this.#parts
    const point = model.beginFlush()
    if (await this.#request('a flush', (disk) => disk.flush())) model.endFlush(point)
  }

  /** A device that has closed is let go of; so is one that failed for good. @returns whether the request succeeded */
  async #request(what: string, begin: (disk: BlkifFrontend) => Promise<void>): Promise<boolean> {
    const disk = this.#disk
    if (disk === undefined) return false
    const ending = await this.#ending(what, begin(disk))
    const isClosed = ending.how === 'noted' || (ending.how === 'failed' && ending.error.code !== 'EIO')
    if (isClosed && this.#disk === disk) await this.#close()
    return ending.how === 'done'
  }

  #ending<Value>(what: string, promise: Promise<Value>): Promise<Ending<Value>> {
    const { watchdog, name, life } = this.#parts
    return watchdog.settled(`${name}: ${what}`, life.until(promise))
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.clock.setTimer(milliseconds, resolve)
    })
  }
}
