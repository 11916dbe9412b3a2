import type { Port, SharedMemory, XenError } from '@split-driver/abi'
import type { EventChannels } from '@split-driver/evtchn'
import { type ByteRing, PeerProgress } from '@split-driver/ring'
import { EventEmitter } from 'events'
import type TypedEmitter from 'typed-emitter'
import { brokenRingError, closedError } from './console-error.js'
import { DemandStream } from './demand-stream.js'
import { RingWriter } from './ring-writer.js'
import { frontendRing } from './wire.js'

/** What start-of-day tells a guest of its primary console. */
export interface ConsoleFrontendOptions {
  /** The ring page: `start_info.console.domU.mfn`, or HVM parameter CONSOLE_PFN (rule 59). */
  readonly memory: SharedMemory
  readonly events: EventChannels
  /** `start_info.console.domU.evtchn`, or HVM parameter CONSOLE_EVTCHN. */
  readonly port: Port
}

export type ConsoleFrontendEvents = {
  /** The backend broke the ring; both streams have failed with this. Without a listener nothing is thrown. */
  error: (error: XenError) => void
  /** The console is done with for good; `reason` unless it was closed in order. */
  closed: (reason: XenError | undefined) => void
}

const Emitter = EventEmitter as unknown as new () => TypedEmitter<ConsoleFrontendEvents>

/**
 * The guest's side of its primary console. The primary console has no handshake: the ring works from the first
 * instruction on, and what is written before the backend comes waits in it.
 */
export class ConsoleFrontend extends Emitter implements AsyncDisposable {
  /** What was typed for this guest. Nothing is taken from the ring before it is asked for. */
  readonly readable: ReadableStream<Uint8Array>
  /** Raw bytes out. A write is done when all of it is in the ring; until then it waits for the backend. */
  readonly writable: WritableStream<Uint8Array>

  readonly #events: EventChannels
  readonly #port: Port
  readonly #ring: ByteRing
  readonly #progress: PeerProgress
  readonly #output: RingWriter
  readonly #input: DemandStream
  readonly #encoder = new TextEncoder()
  #over = false

  constructor({ memory, events, port }: ConsoleFrontendOptions) {
    super()
    this.#events = events
    this.#port = port
    this.#ring = frontendRing(memory)
    this.#progress = new PeerProgress(this.#ring)
    this.#output = new RingWriter({
      end: this.#ring,
      notify: () => events.notify(port),
      onBroken: () => this.#fail(brokenRingError()),
    })
    this.#input = new DemandStream(
      () => this.#take(),
      () => {},
    )
    this.readable = this.#input.readable
    this.writable = this.#output.writable
    events.listen(port, () => this.#onEvent())
  }

  /**
   * Writes a line of text in UTF-8. A terminal moves down on LF and back on CR, so each line end inside `text` (LF or
   * CR LF), and the one added after it, goes out as CR LF.
   * @throws XenError CLOSED BYTE_RING_BAD_INDICES
   */
  line(text: string): Promise<void> {
    return this.#output.write(this.#encoder.encode(`${text.replace(/\r?\n/g, '\r\n')}\r\n`))
  }

  /**
   * For a guest's last words, when nothing can be waited for: stores what there is room for now, ahead of writes that
   * wait for room. @returns how many bytes, maybe none
   */
  tryWriteSync(bytes: Uint8Array): number {
    if (this.#over) return 0
    return this.#output.tryWriteSync(bytes)
  }

  /**
   * Closes the port and ends both streams: reading ends, writes that still wait fail with CLOSED. What is in the ring
   * stays there for the backend. Idempotent.
   */
  async close(): Promise<void> {
    if (this.#over) return
    this.#over = true
    this.#events.unbind(this.#port)
    this.#input.end()
    this.#output.fail(closedError())
    this.emit('closed', undefined)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #onEvent(): void {
    if (this.#over) return
    this.#output.pump()
    this.#input.wake()
    if (!this.#over) this.#events.eoi(this.#port, this.#progress.moved() ? 'worked' : 'spurious')
  }

  /** What has been typed. Says so to the backend, which may wait for the room (rule 58). */
  #take(): Uint8Array | undefined {
    if (this.#over) return undefined
    const available = this.#ring.readable()
    if (available === 0) {
      if (this.#ring.broken) this.#fail(brokenRingError())
      return undefined
    }
    const bytes = new Uint8Array(available)
    const length = this.#ring.read(bytes)
    this.#events.notify(this.#port)
    return bytes.subarray(0, length)
  }

  /** The backend cannot be trusted with the ring any more. */
  #fail(error: XenError): void {
    if (this.#over) return
    this.#over = true
    this.#events.unbind(this.#port)
    this.#input.fail(error)
    this.#output.fail(error)
    if (this.listenerCount('error') > 0) this.emit('error', error)
    this.emit('closed', error)
  }
}
