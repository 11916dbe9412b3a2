import type { NbdTuning } from './nbd-client-options.js'
import type { NbdRequest } from './nbd-request.js'
import { CommandFlag, NbdCommand } from './protocol.js'
import { UnflushedWrites } from './unflushed-writes.js'

/** How much may be under way, and what is kept of it. */
export class SendWindow {
  readonly kept = new UnflushedWrites()
  readonly #flushes: boolean
  readonly #mostRequests: number
  readonly #mostBytes: number
  readonly #mostKept: number
  #requests = 0
  #bytes = 0
  /** Of these, what will be kept. */
  #keptSoon = 0

  /** @param flushes the server knows flushes; for one that does not nothing is kept: its word is all there is */
  constructor({ depth = 64, inFlightBytes = 2 ** 24, keepBytes = 2 ** 25 }: NbdTuning, flushes: boolean) {
    this.#flushes = flushes
    this.#mostRequests = depth
    this.#mostBytes = inFlightBytes
    this.#mostKept = keepBytes
  }

  /** A write of so many bytes had better be durable at once than be kept. */
  isLarge(byteLength: number): boolean {
    return byteLength * 2 > this.#mostKept
  }

  /** It may be sent now. */
  fits(request: NbdRequest): boolean {
    if (this.#requests >= this.#mostRequests) return false
    return (this.#requests === 0 || this.#bytes + request.payloadBytes <= this.#mostBytes) && this.#fitsKept(request)
  }

  /** Something is kept, and there is no room, or soon will be none, for `next`. */
  wantsFlush(next: NbdRequest | undefined): boolean {
    if (this.kept.bytes === 0) return false
    return this.kept.bytes * 2 >= this.#mostKept || (next !== undefined && !this.#fitsKept(next))
  }

  sent(request: NbdRequest): void {
    this.#requests++
    this.#bytes += request.payloadBytes
    if (this.#willKeep(request)) this.#keptSoon += request.payloadBytes
    if (request.command === NbdCommand.Flush) request.mark = this.kept.mark
  }

  answered(request: NbdRequest): void {
    const { command, position, byteLength, views, payloadBytes, error } = request
    this.#requests--
    this.#bytes -= payloadBytes
    if (this.#willKeep(request)) {
      this.#keptSoon -= payloadBytes
      if (error === undefined) this.kept.add(position, byteLength, views)
    }
    // If it failed, whoever asked for it is told, and nothing can be made better by keeping.
    if (command === NbdCommand.Flush) this.kept.forget(request.mark)
  }

  /** Nothing is under way any more. */
  lost(): void {
    this.#requests = 0
    this.#bytes = 0
    this.#keptSoon = 0
  }

  #fitsKept(request: NbdRequest): boolean {
    const keptBytes = this.kept.bytes + this.#keptSoon
    return !this.#willKeep(request) || keptBytes === 0 || keptBytes + request.payloadBytes <= this.#mostKept
  }

  #willKeep({ command, flags }: NbdRequest): boolean {
    const isChange = command === NbdCommand.Write || command === NbdCommand.WriteZeroes
    return this.#flushes && isChange && (flags & CommandFlag.ForceUnitAccess) === 0
  }
}
