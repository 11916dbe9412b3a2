import { type Domid, type GrantRef, type Port, XenError } from '@split-driver/abi'
import { GRANT_RESERVED_CONSOLE, type Mapping } from '@split-driver/grant'
import type { Platform } from '@split-driver/platform'
import { type ByteRing, PeerProgress } from '@split-driver/ring'
import { EventEmitter } from 'events'
import type TypedEmitter from 'typed-emitter'
import { ByteLog } from './byte-log.js'
import { brokenRingError, closedError } from './console-error.js'
import { EventAllowance, type EventRate, XENCONSOLED_EVENT_RATE } from './event-allowance.js'
import { type ConsoleReader, LogReader } from './reader.js'
import { RingWriter } from './ring-writer.js'
import { backendRing, CONSOLE_OUT_BYTES } from './wire.js'

/** Bytes of output that are kept of a domain unless its `limit` says otherwise. */
export const DEFAULT_LOG_BYTES = 1 << 20

export interface ConsoleBackendOptions {
  /** The domain that serves. */
  readonly platform: Pick<Platform, 'events' | 'mapper' | 'clock'>
  /** The domain that is served. */
  readonly domid: Domid
  /** The guest's port, as `console/port` tells it. */
  readonly remotePort: Port
  /** Bytes of output to keep; DEFAULT_LOG_BYTES unless given. */
  readonly logBytes?: number
  /** How many of the guest's events to serve; xenconsoled's rate unless given. */
  readonly eventRate?: EventRate
}

export type ConsoleBackendEvents = {
  /**
   * The guest broke its ring's rules. It is ignored until its indices make sense again (rule 58). Without a listener
   * nothing is thrown.
   */
  error: (error: XenError) => void
  /** The guest is not served any more; the log stays. */
  closed: () => void
}

const Emitter = EventEmitter as unknown as new () => TypedEmitter<ConsoleBackendEvents>

export interface ConsoleReaderOptions {
  /** Begin with what the log still holds; true unless given. Otherwise with what comes from now on. */
  readonly history?: boolean
}

/** The one who types for a guest. */
export interface ConsoleWriter extends Disposable {
  /** A write is done when the guest's ring has taken all of it: a guest that does not read holds its writer back. */
  readonly writable: WritableStream<Uint8Array>
  /** Lets another take over; what still waited fails with ABORTED. Closing the stream does the same. Idempotent. */
  detach(): void
}

/**
 * Serves one domain's primary console: keeps the end of its output, shows it to any number of readers and takes input
 * from one writer at a time. Costs at most the log's size, however much the guest writes and however slowly one reads.
 */
export class ConsoleBackend extends Emitter implements Disposable {
  readonly domid: Domid
  readonly remotePort: Port
  /** The output's last bytes; readable after the domain has gone. */
  readonly log: ByteLog

  readonly #platform: ConsoleBackendOptions['platform']
  readonly #allowance: EventAllowance
  readonly #mapping: Mapping
  readonly #port: Port
  readonly #ring: ByteRing
  readonly #progress: PeerProgress
  readonly #batch = new Uint8Array(CONSOLE_OUT_BYTES)
  readonly #readers = new Set<LogReader>()
  readonly #endEvent = () => this.#platform.events.eoi(this.#port, this.#progress.moved() ? 'worked' : 'spurious')
  #writer: RingWriter | undefined
  #faulty = false
  #closed = false

  /**
   * Connects. Nothing stays open if that fails.
   * @throws XenError GNTST_* if the ring page cannot be mapped; EINVAL if `remotePort` is not offered to us
   */
  constructor(options: ConsoleBackendOptions) {
    super()
    const { platform, domid, remotePort } = options
    this.domid = domid
    this.remotePort = remotePort
    this.#platform = platform
    this.#allowance = new EventAllowance(platform.clock, options.eventRate ?? XENCONSOLED_EVENT_RATE)
    this.log = new ByteLog(options.logBytes ?? DEFAULT_LOG_BYTES)
    this.#mapping = platform.mapper.map(domid, [GRANT_RESERVED_CONSOLE as GrantRef], 'writable')
    try {
      this.#port = platform.events.bindInterdomain(domid, remotePort)
    } catch (error) {
      platform.mapper.unmap(this.#mapping)
      throw error
    }
    this.#ring = backendRing(this.#mapping.memory)
    this.#progress = new PeerProgress(this.#ring)
    platform.events.listen(this.#port, () => this.#onEvent())
  }

  /** Is the guest served? */
  get connected(): boolean {
    return !this.#closed
  }

  /** How often the guest has used up its allowance of events. */
  get throttled(): number {
    return this.#allowance.withheld
  }

  /** Begins to follow the output, beside whoever else does. */
  attachReader(options: ConsoleReaderOptions = {}): ConsoleReader {
    const { log } = this
    const position = options.history === false ? log.end : log.start
    const reader = new LogReader(log, position, (detached) => this.#readers.delete(detached))
    if (this.#closed) reader.end()
    else this.#readers.add(reader)
    return reader
  }

  /** Begins to type. @throws XenError EBUSY if another does; CLOSED if the domain is gone */
  attachWriter(): ConsoleWriter {
    if (this.#closed) throw closedError()
    if (this.#writer !== undefined)
      throw new XenError('EBUSY', `the console of domain ${this.domid} has a writer`, { detail: { domid: this.domid } })
    const detach = (): void => {
      if (this.#writer !== writer) return
      this.#writer = undefined
      writer.fail(new XenError('ABORTED', 'the writer was detached'))
    }
    const writer = new RingWriter({
      end: this.#ring,
      notify: () => this.#platform.events.notify(this.#port),
      onBroken: () => this.#checkRing(),
      onClose: detach,
    })
    this.#writer = writer
    return { writable: writer.writable, detach, [Symbol.dispose]: detach }
  }

  /** Takes what is left in the ring, then lets go of the guest. Readers see the end after the log's. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#drain()
    this.#closed = true
    this.#allowance.cancel()
    this.#platform.events.unbind(this.#port)
    this.#platform.mapper.unmap(this.#mapping)
    this.#writer?.fail(closedError())
    this.#writer = undefined
    for (const reader of this.#readers) reader.end()
    this.#readers.clear()
    this.emit('closed')
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #onEvent(): void {
    if (this.#closed) return
    this.#drain()
    this.#writer?.pump()
    this.#checkRing()
    if (!this.#closed) this.#allowance.spend(this.#endEvent)
  }

  /** One look is enough, and bounded: what is written after it has an event of its own. */
  #drain(): void {
    const length = this.#ring.read(this.#batch)
    if (length === 0) return
    this.#platform.events.notify(this.#port)
    this.log.append(this.#batch, length)
    for (const reader of this.#readers) reader.wake()
  }

  #checkRing(): void {
    const faulty = this.#ring.broken
    if (faulty && !this.#faulty && this.listenerCount('error') > 0) this.emit('error', brokenRingError())
    this.#faulty = faulty
  }
}
