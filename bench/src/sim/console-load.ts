import { eventually, type SeededRandom } from '@split-driver/conformance'
import { type ConsoleBackend, ConsoleFrontend } from '@split-driver/console'
import type { EmulatedPlatform } from '@split-driver/emulator'
import type { Clock } from '@split-driver/platform'
import type { GuestLife } from './guest-life.js'
import { TypedInput } from './typed-input.js'
import type { Watchdog } from './watchdog.js'

/** Lines of one burst. */
const MAX_LINES = 8

/** Characters of the longest line: two lines do not fit into the ring. */
const MAX_CHARACTERS = 1500

/** Bytes typed at each daemon. */
const TYPED_BYTES = 3000

/** Milliseconds of virtual time in which all output and input arrives, once a daemon serves it. */
const PATIENCE_MS = 60_000

export interface ConsoleLoadParts {
  readonly name: string
  readonly platform: EmulatedPlatform
  readonly random: SeededRandom
  readonly watchdog: Watchdog
  readonly clock: Clock
  readonly life: GuestLife
  /** What the guest writes instead of a line that it means to write: the line, but in a run that breaks something. */
  readonly written: (line: string) => string
}

/** What one guest writes and is told on its console, and what arrives of it. */
export class ConsoleLoad {
  readonly #parts: ConsoleLoadParts
  readonly #frontend: ConsoleFrontend
  /** One after the other: a daemon that begins anew goes on where the one before it was killed. */
  readonly #served: ConsoleBackend[] = []
  readonly #input = new TypedInput()
  #expected = ''
  #lines = 0
  #closed = false

  constructor(parts: ConsoleLoadParts) {
    this.#parts = parts
    const { console, events } = parts.platform
    this.#frontend = new ConsoleFrontend({ ...console, events })
    void this.#listen()
  }

  /** A daemon serves the console now; somebody types. */
  serve(console: ConsoleBackend): void {
    this.#served.push(console)
    if (!this.#parts.life.over && !this.#closed) this.#input.type(console, TYPED_BYTES)
  }

  async work(rounds: number): Promise<void> {
    const { life, random } = this.#parts
    for (let round = 0; round < rounds && !life.over; round++) {
      const lines = Array.from({ length: 1 + random.below(MAX_LINES) }, () => this.#line())
      await Promise.all(lines)
    }
  }

  /** A daemon is there: all of the output arrives, and all that was typed at it. */
  async finish(): Promise<void> {
    const { clock, life } = this.#parts
    const arrived = () => life.over || (this.#arrivedBytes() >= this.#expected.length && this.#input.complete)
    await eventually(clock, arrived, 'the console', PATIENCE_MS).catch(() => undefined)
    this.judge()
    this.#closed = true
    if (!life.over) await this.#frontend.close()
  }

  /** What has arrived is right, and is all of it, if the guest still is there. */
  judge(): void {
    const { watchdog, name, life } = this.#parts
    const output = this.#output()
    const wrong = [...output].findIndex((character, i) => character !== this.#expected[i])
    if (wrong >= 0) watchdog.note('console', `${name}: byte ${wrong} of its output is not what it wrote`)
    else if (!life.over && output.length < this.#expected.length)
      watchdog.note('console', `${name}: ${output.length} of ${this.#expected.length} bytes of its output arrived`)
    watchdog.judge('console', name, this.#input.judge(!life.over))
  }

  #line(): Promise<unknown> {
    const { watchdog, name, life, random, written } = this.#parts
    const line = `line ${this.#lines++} `.padEnd(random.below(MAX_CHARACTERS), 'abcdefghijklm')
    this.#expected += `${line}\r\n`
    return watchdog.settled(`${name}: writing a line`, life.until(this.#frontend.line(written(line))))
  }

  #arrivedBytes(): number {
    return this.#served.reduce((sum, { log }) => sum + log.end, 0)
  }

  #output(): string {
    const decoder = new TextDecoder('latin1')
    return this.#served.map(({ log }) => decoder.decode(log.bytes())).join('')
  }

  async #listen(): Promise<void> {
    const reader = this.#frontend.readable.getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      this.#input.receive(value)
    }
  }
}
