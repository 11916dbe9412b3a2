import { SeededRandom, within } from '@split-driver/conformance'
import { ConsoleBackend, ConsoleFrontend, type ConsoleWriter } from '@split-driver/console'
import { Machine } from '@split-driver/emulator'
import { xenconsInterface } from '@split-driver/ring'
import type { RelOptions, RelOutcome, RelSuite } from './rel-suite.js'

const TRANSFERS_PER_WORLD = 500

/** Bytes of the longest transfer: several times either ring. */
const MAX_BYTES = 6000

/** Nobody is throttled here: the clock is not what is tried. */
const UNLIMITED = { events: Number.POSITIVE_INFINITY, milliseconds: 1 }

/** Where free-running indices are likely to be mistaken. */
const INDICES = [0, 2 ** 31 - 1500, 2 ** 32 - 1500, 2 ** 32 - 1]

/** What one reader got, beside what it must get. */
class Direction {
  readonly #name: string
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>

  constructor(name: string, readable: ReadableStream<Uint8Array>) {
    this.#name = name
    this.#reader = readable.getReader()
  }

  /** The bytes that come next must be these. */
  async demand(sent: Uint8Array): Promise<void> {
    for (let at = 0; at < sent.length; ) {
      const { done, value } = await this.#reader.read()
      if (done) throw new Error(`${this.#name} ended after ${at} of ${sent.length} bytes`)
      for (const byte of value) {
        if (byte !== sent[at]) throw new Error(`${this.#name}: byte ${at} is ${byte}, not ${sent[at]}`)
        at++
      }
    }
  }
}

/** A guest's console with both its ends, whose rings begin at some index. */
class ConsoleTrial implements AsyncDisposable {
  readonly #random: SeededRandom
  readonly #machine = Machine.create({ memoryMiB: 32 })
  readonly #frontend: ConsoleFrontend
  readonly #backend: ConsoleBackend
  readonly #writer: ConsoleWriter
  readonly #out: Direction
  readonly #in: Direction
  readonly #toBackend: WritableStreamDefaultWriter<Uint8Array>
  readonly #toGuest: WritableStreamDefaultWriter<Uint8Array>

  constructor(random: SeededRandom) {
    this.#random = random
    const platform = this.#machine.attach(this.#machine.buildControlDomain().domid)
    const { domid, events, console } = this.#machine.attach(this.#machine.buildGuest().domid)
    const { inCons, inProd, outCons, outProd } = xenconsInterface.at
    for (const pair of [
      [inCons, inProd],
      [outCons, outProd],
    ]) {
      const index = random.pick([...INDICES, random.u32()])
      for (const { word } of pair) console.memory.storeOrdered(word, index)
    }
    this.#frontend = new ConsoleFrontend({ ...console, events })
    this.#backend = new ConsoleBackend({ platform, domid, remotePort: console.port, eventRate: UNLIMITED })
    this.#writer = this.#backend.attachWriter()
    this.#out = new Direction('output', this.#backend.attachReader().readable)
    this.#in = new Direction('input', this.#frontend.readable)
    this.#toBackend = this.#frontend.writable.getWriter()
    this.#toGuest = this.#writer.writable.getWriter()
  }

  /** Both ways at once. A wake-up that is lost shows as a transfer without end. */
  async transfer(): Promise<void> {
    const out = this.#random.bytes(this.#random.below(MAX_BYTES))
    const typed = this.#random.bytes(this.#random.below(MAX_BYTES))
    const both = Promise.all([
      this.#out.demand(out),
      this.#in.demand(typed),
      this.#send(this.#toBackend, out),
      this.#send(this.#toGuest, typed),
    ])
    await within(this.#machine.clock, both, 'a transfer')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#writer.detach()
    await this.#frontend.close()
    this.#backend.close()
    await Promise.allSettled([this.#toBackend.closed, this.#toGuest.closed])
    const left = this.#machine.ledger().map(({ what }) => what)
    if (left.length > 0) throw new Error(`still open at the end: ${left.join('; ')}`)
  }

  /** In pieces of any size, some of them without waiting for those before. */
  async #send(writer: WritableStreamDefaultWriter<Uint8Array>, bytes: Uint8Array): Promise<void> {
    const writes: Promise<void>[] = []
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + this.#random.below(3000)
      writes.push(writer.write(bytes.subarray(at, at + length)))
      at += length
      if (this.#random.below(2) === 0) await writes.at(-1)
    }
    await Promise.all(writes)
  }
}

const tryWorld = async (random: SeededRandom, transfers: number): Promise<void> => {
  await using trial = new ConsoleTrial(random)
  for (let i = 0; i < transfers; i++) await trial.transfer()
}

export const suite: RelSuite = {
  name: 'console',
  describe: 'one try is a transfer of random size each way over a console ring of random indices, byte for byte',
  run: async ({ n, seed, progress }: RelOptions): Promise<RelOutcome> => {
    const violations: string[] = []
    let done = 0
    for (let world = 0; done < n; world++) {
      const worldSeed = (seed + Math.imul(world, 0x9e37_79b9)) >>> 0
      const transfers = Math.min(TRANSFERS_PER_WORLD, n - done)
      try {
        await tryWorld(new SeededRandom(worldSeed), transfers)
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        violations.push(`world ${world}, --seed ${worldSeed} --n ${transfers}: ${reason}`)
      }
      done += transfers
      progress(done)
    }
    return { done, violations, detail: { transfersPerWorld: TRANSFERS_PER_WORLD, maxBytes: MAX_BYTES } }
  },
}
