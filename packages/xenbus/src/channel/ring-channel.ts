import type { Port, SharedMemory } from '@split-driver/abi'
import type { EventChannels, EventOutcome } from '@split-driver/evtchn'
import { ByteRing, PeerProgress, reversed, xenstoreDomainInterface, xenstoreRingView } from '@split-driver/ring'
import type { ByteChannel } from '../byte-channel.js'
import { XenStoreConnection, XenStoreRingError, XenStoreServerFeature } from '../wire/ring-page.js'

const { at } = xenstoreDomainInterface

const isBeingMade = (page: SharedMemory): boolean =>
  page.loadOrdered(at.connection.word) === XenStoreConnection.Reconnect

/**
 * XenStore's ring page as a byte channel, from either side. It notifies whenever it has moved an index, the consumer's as
 * well as the producer's, for the other side may wait for room (rule 54). `wake` is what an event from there calls.
 * @see docs/misc/xenstore-ring.txt
 */
export class RingChannel implements ByteChannel {
  readonly #ring: ByteRing
  readonly #progress: PeerProgress
  readonly #page: SharedMemory
  readonly #notify: () => void
  readonly #side: 'front' | 'back'
  /** The domain came while its connection was being made. */
  #awaited: boolean
  #handler: (() => void) | undefined
  #closed = false
  #error: XenStoreRingError = XenStoreRingError.None

  private constructor(ring: ByteRing, page: SharedMemory, notify: () => void, side: 'front' | 'back') {
    this.#ring = ring
    this.#progress = new PeerProgress(ring)
    this.#page = page
    this.#notify = notify
    this.#side = side
    this.#awaited = side === 'front' && isBeingMade(page)
  }

  /**
   * The domain's side: writes requests, reads replies; closed once the server says that it gave the page up. If the page
   * says at first that its connection is being made, which whoever built the domain may have asked for, nothing else of it
   * is looked at until that is done.
   */
  static front(page: SharedMemory, notify: () => void): RingChannel {
    return new RingChannel(new ByteRing(xenstoreRingView, page), page, notify, 'front')
  }

  /** The server's side: reads requests, writes replies; tells why it gave the page up. */
  static back(page: SharedMemory, notify: () => void): RingChannel {
    return new RingChannel(new ByteRing(reversed(xenstoreRingView), page), page, notify, 'back')
  }

  /** Why it is closed, where the reason lies in the page: indices more than a ring apart, or what `giveUp` said. */
  get error(): XenStoreRingError {
    return this.#error
  }

  get closed(): boolean {
    if (!this.#closed) this.#judge()
    return this.#closed
  }

  send(source: Uint8Array): number {
    if (this.closed || this.#isBeingMade) return 0
    let sent = this.#ring.write(source)
    // Linux tells of room that it makes only in a ring that it finds full: what it made before that is for us to find.
    for (let more = sent; more > 0 && sent < source.length; sent += more) more = this.#ring.write(source.subarray(sent))
    if (sent > 0) this.#notify()
    return sent
  }

  receive(target: Uint8Array): number {
    if (this.closed || this.#isBeingMade) return 0
    const count = this.#ring.read(target)
    if (count > 0) this.#notify()
    return count
  }

  /** As `receive`, from `index` on, of bytes that are not released yet: `release` makes room of them. */
  receiveAhead(index: number, target: Uint8Array): number {
    return this.closed || this.#isBeingMade ? 0 : this.#ring.readAhead(index, target)
  }

  /** What was received before `index` need not be kept in the ring any longer. */
  release(index: number): void {
    if (this.closed || index === this.#ring.readIndex) return
    this.#ring.release(index)
    this.#notify()
  }

  /** Up to where this side has released what it received, and sent; indices of the ring. */
  get position(): { readonly received: number; readonly sent: number } {
    return { received: this.#ring.readIndex, sent: this.#ring.writeIndex }
  }

  onReady(handler: () => void): void {
    this.#handler = handler
    queueMicrotask(() => this.#handler?.())
  }

  /** An event came from the other side. */
  wake(): void {
    this.#handler?.()
  }

  /** Whether the other side has written or read anything since this was last asked: else its event had no reason. */
  get eventOutcome(): EventOutcome {
    return this.#progress.moved() ? 'worked' : 'spurious'
  }

  /** What the server says that it can do. */
  get serverFeatures(): number {
    return this.#page.loadOrdered(at.serverFeatures.word)
  }

  /** Leaves the page as it is: it belongs to the domain, which may go on with it later. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#handler?.()
  }

  /**
   * Tells the other side in the page why it is given up, then closes; for the server's side (rules 38, 54).
   */
  giveUp(error: XenStoreRingError): void {
    this.#error = error
    this.#page.storeOrdered(at.error.word, error)
    this.#notify()
    this.close()
  }

  get #isBeingMade(): boolean {
    this.#awaited &&= isBeingMade(this.#page)
    return this.#awaited
  }

  get #isGivenUp(): boolean {
    if (this.#side === 'back' || (this.serverFeatures & XenStoreServerFeature.Error) === 0) return false
    return this.#page.loadOrdered(at.error.word) !== XenStoreRingError.None
  }

  #judge(): void {
    if (this.#isBeingMade) return
    if (this.#ring.broken) this.#error = XenStoreRingError.RingIndex
    else if (!this.#isGivenUp) return
    this.#closed = true
  }
}

/** Joins a ring channel to the event channel of its page; the port stays its owner's. @throws XenError EBUSY EINVAL */
export const listenForRing = (channel: RingChannel, events: EventChannels, port: Port): void => {
  events.listen(port, () => {
    channel.wake()
    events.eoi(port, channel.eventOutcome)
  })
}
