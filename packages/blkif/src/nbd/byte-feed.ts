import { XenError } from '@split-driver/abi'
import type { ByteReceiver } from './byte-stream.js'

/**
 * Reads a stream. It yields a number, and gets so many bytes, which stay until it yields again; or it yields memory, which
 * is filled. What it throws ends the connection.
 */
export type Parser<Result> = Generator<number | Uint8Array, Result, Uint8Array>

const SCRATCH_BYTES = 64 * 1024
/** Memory that lacks so much is filled by the socket itself; for less, one system call more costs more than a copy. */
const DIRECT_BYTES = 16 * 1024

/** Hands what a connection brings to one parser after another, at once. */
export class ByteFeed implements ByteReceiver {
  readonly #scratch = new Uint8Array(SCRATCH_BYTES)
  readonly #onEnded: (reason: Error) => void
  #start = 0
  #end = 0
  #parser: Parser<void> | undefined
  #want: number | Uint8Array = 0
  #filled = 0
  /** `room` gave the memory that is to be filled, not the scratch. */
  #direct = false
  #running = false
  #endedBy: Error | undefined

  /** @param onEnded no parser can go on: the connection ended, or what it brought made no sense */
  constructor(onEnded: (reason: Error) => void) {
    this.#onEnded = onEnded
  }

  /** Runs a parser from the next byte on. One at a time. @throws what it throws, or why the connection ended */
  run<Result>(parser: Parser<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#parser = settling(parser, resolve, reject)
      if (this.#endedBy) reject(this.#endedBy)
      else this.#resume(undefined)
    })
  }

  /** @throws why nothing more can be read, if so */
  assertOpen(): void {
    if (this.#endedBy) throw this.#endedBy
  }

  room(): Uint8Array {
    this.#direct = this.#start === this.#end && typeof this.#want !== 'number' && this.#missing >= DIRECT_BYTES
    if (this.#direct) return (this.#want as Uint8Array).subarray(this.#filled)
    if (this.#start > 0) {
      this.#scratch.copyWithin(0, this.#start, this.#end)
      this.#end -= this.#start
      this.#start = 0
    }
    return this.#scratch.subarray(this.#end)
  }

  received(count: number): void {
    if (this.#endedBy) return
    if (this.#direct) {
      this.#direct = false
      this.#filled += count
    } else this.#end += count
    this.#advance()
  }

  ended(reason: Error): void {
    if (this.#endedBy) return
    this.stop(reason)
    this.#onEnded(reason)
  }

  /** Nothing is wanted any more; whoever runs a parser learns why. */
  stop(reason: Error): void {
    if (this.#endedBy) return
    this.#endedBy = reason
    const parser = this.#parser
    this.#parser = undefined
    this.#want = 0
    // One that runs at this moment is told when it yields.
    if (parser !== undefined && !this.#running) throwInto(parser, reason)
  }

  get #missing(): number {
    return (this.#want as Uint8Array).length - this.#filled
  }

  #advance(): void {
    while (this.#parser !== undefined) {
      if (typeof this.#want === 'number') {
        if (this.#end - this.#start < this.#want) return
        this.#start += this.#want
        this.#resume(this.#scratch.subarray(this.#start - this.#want, this.#start))
      } else {
        const count = Math.min(this.#missing, this.#end - this.#start)
        this.#want.set(this.#scratch.subarray(this.#start, this.#start + count), this.#filled)
        this.#filled += count
        this.#start += count
        if (this.#missing > 0) return
        this.#resume(this.#want)
      }
    }
    if (this.#start < this.#end && !this.#endedBy)
      this.ended(new XenError('EPROTO', 'the NBD server sent bytes that nobody had asked for'))
  }

  #resume(answer: Uint8Array | undefined): void {
    const parser = this.#parser!
    this.#running = true
    try {
      const { done, value } = answer === undefined ? parser.next() : parser.next(answer)
      this.#filled = 0
      this.#want = done ? 0 : (value as number | Uint8Array)
      if (done) this.#parser = undefined
      else if (this.#endedBy) throwInto(parser, this.#endedBy)
    } catch (error) {
      this.#parser = undefined
      this.ended(error as Error)
    } finally {
      this.#running = false
    }
  }
}

const throwInto = (parser: Parser<void>, reason: Error): void => {
  try {
    parser.throw(reason)
  } catch {
    // It has told whoever waits for it.
  }
}

/** Its result settles a promise; its error does, too, and goes on. */
function* settling<Result>(
  parser: Parser<Result>,
  resolve: (result: Result) => void,
  reject: (error: unknown) => void,
): Parser<void> {
  try {
    resolve(yield* parser)
  } catch (error) {
    reject(error)
    throw error
  }
}
