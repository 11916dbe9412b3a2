import type { Domid } from '@split-driver/abi'
import type { SeededRandom } from '@split-driver/conformance'
import type { ConsoleBackend } from '@split-driver/console'
import type { EmulatedHost, EmulatedPlatform, TransferStore } from '@split-driver/emulator'
import type { Clock } from '@split-driver/platform'
import { ConsoleLoad } from './console-load.js'
import { DiskAttachment } from './disk-attachment.js'
import { DiskLoad } from './disk-load.js'
import { DiskModel } from './disk-model.js'
import { GuestLife } from './guest-life.js'
import type { Mutant } from './mutant.js'
import { VolatileDisk } from './volatile-disk.js'
import type { Watchdog } from './watchdog.js'

/** Sectors of each disk. */
const SECTORS = 256

export interface GuestUnderTestParts {
  readonly name: string
  readonly host: EmulatedHost
  readonly platform: EmulatedPlatform
  readonly random: SeededRandom
  readonly watchdog: Watchdog
  readonly clock: Clock
  readonly mutant: Mutant
}

/** One guest with its disk, its console, and what is known of both. */
export class GuestUnderTest {
  readonly name: string
  readonly domid: Domid
  /** What the block backend is to serve. */
  readonly store: TransferStore
  readonly attachment: DiskAttachment
  readonly #life = new GuestLife()
  readonly #disk = new VolatileDisk(SECTORS)
  readonly #model = new DiskModel(SECTORS)
  readonly #watchdog: Watchdog
  readonly #diskLoad: DiskLoad
  readonly #consoleLoad: ConsoleLoad

  constructor({ mutant, random, host, ...parts }: GuestUnderTestParts) {
    this.name = parts.name
    this.domid = parts.platform.domid
    this.store = mutant.disk?.(this.#disk) ?? this.#disk
    this.#watchdog = parts.watchdog
    const life = this.#life
    this.attachment = new DiskAttachment(host, this.domid, life, parts.watchdog)
    const written = mutant.line ?? ((line: string) => line)
    this.#diskLoad = new DiskLoad({ ...parts, random, life, model: this.#model })
    this.#consoleLoad = new ConsoleLoad({ ...parts, random, life, written })
  }

  async work(rounds: number): Promise<void> {
    await Promise.all([this.#diskLoad.work(rounds), this.#consoleLoad.work(rounds)])
  }

  /** @param mayStayAway the guest has too little for a disk */
  async finish(mayStayAway: boolean): Promise<void> {
    await Promise.all([this.#diskLoad.finish(mayStayAway), this.#consoleLoad.finish()])
  }

  serve(console: ConsoleBackend): void {
    this.#consoleLoad.serve(console)
  }

  /** @returns whether it was there until now */
  crash(): boolean {
    if (this.#life.over) return false
    this.#life.end()
    return true
  }

  losePower(isLost: () => boolean): void {
    this.#disk.losePower(isLost)
    this.#model.losePower()
  }

  /** The disk at rest, now and after a loss of power; and the console's log. */
  judge(): void {
    this.#watchdog.judge('data', this.name, this.#model.judgeAtRest(this.#disk.bytes))
    this.losePower(() => true)
    this.#watchdog.judge('data', `${this.name}, after a loss of power`, this.#model.judgeAtRest(this.#disk.bytes))
    this.#consoleLoad.judge()
  }
}
