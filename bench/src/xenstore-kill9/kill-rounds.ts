import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SeededRandom } from '@split-driver/conformance'
import { KeptClient } from './kept-client.js'
import { KeptDaemon } from './kept-daemon.js'

const CLIENTS = 4

/** A daemon is killed after so many acknowledgements, at most, and so many milliseconds then. */
const LOAD = 300
const LOAD_MS = 3

/** One in so many is killed before it serves, within so many milliseconds. */
const EARLY = 8
const START_MS = 150

/** Daemons that follow each other in one folder, each killed while several clients ask it for changes. */
export class KillRounds implements Disposable {
  readonly #home = mkdtempSync(join(tmpdir(), 'kill9-'))
  readonly #random: SeededRandom
  readonly #clients: readonly KeptClient[]
  #acknowledged = 0
  #enough = { count: 0, reached: (): void => {} }

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
    const acknowledge = (): void => {
      this.#acknowledged += 1
      if (this.#acknowledged >= this.#enough.count) this.#enough.reached()
    }
    this.#clients = Array.from({ length: CLIENTS }, (_, index) => new KeptClient(index, this.#random, acknowledge))
  }

  /** Changes that daemons have acknowledged. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  /** Looks at what the last daemon has left, and kills the next. @returns what is wrong */
  async round(): Promise<string[]> {
    await this.#killEarly()
    const daemon = new KeptDaemon(this.#home)
    try {
      const wrong = await this.#look(daemon)
      const loaded = this.#load()
      const working = this.#clients.map(async (client) => client.work(await daemon.connect()))
      await Promise.race([loaded, Promise.all(working)])
      await sleep(this.#random.below(LOAD_MS))
      await daemon.kill()
      await Promise.all(working)
      return wrong
    } finally {
      await daemon.kill()
    }
  }

  /** Looks at what the last daemon of all has left. @returns what is wrong */
  async end(): Promise<string[]> {
    const daemon = new KeptDaemon(this.#home)
    try {
      return await this.#look(daemon)
    } finally {
      await daemon.kill()
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#home, { recursive: true, force: true })
  }

  async #look(daemon: KeptDaemon): Promise<string[]> {
    await daemon.ready()
    const wrong = await Promise.all(this.#clients.map(async (client) => client.check(await daemon.connect())))
    return wrong.filter((line) => line !== undefined)
  }

  /** Resolves when some more changes have been acknowledged. */
  #load(): Promise<void> {
    const count = this.#acknowledged + 1 + this.#random.below(LOAD)
    return new Promise((reached) => {
      this.#enough = { count, reached }
    })
  }

  /** While it reads what there is, or begins its journal anew. */
  async #killEarly(): Promise<void> {
    if (this.#random.below(EARLY) > 0) return
    const early = new KeptDaemon(this.#home)
    await sleep(this.#random.below(START_MS))
    await early.kill()
  }
}
