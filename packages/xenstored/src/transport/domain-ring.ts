import type { Port, SharedMemory } from '@split-driver/abi'
import type { EventChannels } from '@split-driver/evtchn'
import { xenstoreDomainInterface } from '@split-driver/ring'
import { RingChannel, XenStoreConnection, XenStoreRingError, XenStoreServerFeature } from '@split-driver/xenbus'
import { Client, type EndReason } from '../client/client.js'
import type { TurnQueue, TurnTaker } from '../client/turn-queue.js'
import type { Caller } from '../domains/domain-record.js'
import type { StoreHost } from '../store-host.js'
import { MeteredChannel } from './metered-channel.js'

const { at } = xenstoreDomainInterface

/** All that a domain can have asked without our taking it up. */
const RING_BYTES = at.req.bytes

export interface DomainRingOptions {
  readonly caller: Caller
  readonly host: StoreHost
  readonly page: SharedMemory
  readonly events: EventChannels
  /** Bound to the domain's; it stays its owner's. */
  readonly port: Port
  readonly turns: TurnQueue
  /** The domain broke the rules of the ring; the page tells it so. */
  readonly onBroken: (error: XenStoreRingError) => void
}

/**
 * A client behind a ring page. An event is answered (`eoi`) once what lay in the ring when it came is done, or can not be
 * done before the domain takes its replies. What the domain adds meanwhile it must announce by another event, so nothing
 * is left lying though no more than one ring's worth is taken for each event.
 * @see docs/misc/xenstore-ring.txt (rule 54)
 */
export class DomainRing implements TurnTaker {
  readonly #options: DomainRingOptions
  readonly #channel: RingChannel
  readonly #metered: MeteredChannel
  readonly #client: Client
  /** We moved an index, and the domain does not know yet. */
  #moved = false
  /** An event was delivered and not answered yet. */
  #delivered = false

  constructor(options: DomainRingOptions) {
    const { caller, host, page, turns } = options
    this.#options = options
    this.#channel = RingChannel.back(page, () => {
      this.#moved = true
    })
    this.#metered = new MeteredChannel(this.#channel)
    this.#client = new Client({
      caller,
      channel: this.#metered,
      host,
      wake: () => turns.schedule(this),
      onEnd: (reason) => this.#giveUp(reason),
    })
    this.#metered.onReady(() => turns.schedule(this))
    this.#advertise()
  }

  /** Begins to serve; the domain may have asked something already. @throws XenError EBUSY EINVAL */
  listen(): void {
    const { events, port } = this.#options
    this.#metered.allow(RING_BYTES)
    events.listen(port, () => {
      this.#delivered = true
      this.#metered.allow(RING_BYTES)
      this.#channel.wake()
    })
  }

  turn(): boolean {
    const more = this.#client.turn()
    if (this.#moved) this.#notify()
    if (!more) this.#answerEvent()
    return more
  }

  /** Serves no longer; the page and the port may be given up after this. */
  end(): void {
    this.#client.end()
    this.#channel.close()
    this.#options.turns.remove(this)
  }

  /** Nothing is under way in either direction any more; for a page that a domain takes up anew. */
  static reset(page: SharedMemory): void {
    for (const index of [at.reqCons, at.reqProd, at.rspCons, at.rspProd]) page.storeOrdered(index.word, 0)
    page.storeOrdered(at.error.word, XenStoreRingError.None)
  }

  /** The page says what we can do, and that we are there. @see core.c do_introduce */
  #advertise(): void {
    const { page } = this.#options
    page.storeOrdered(at.serverFeatures.word, XenStoreServerFeature.Error)
    if (page.loadOrdered(at.connection.word) !== XenStoreConnection.Reconnect) return
    page.storeOrdered(at.connection.word, XenStoreConnection.Connected)
    this.#notify()
  }

  #notify(): void {
    this.#moved = false
    this.#options.events.notify(this.#options.port)
  }

  #answerEvent(): void {
    if (!this.#delivered) return
    this.#delivered = false
    this.#options.events.eoi(this.#options.port, this.#channel.eventOutcome)
  }

  /** The domain loses its connection, and keeps its nodes (rules 38, 54). */
  #giveUp(reason: EndReason): void {
    const error = reason === 'broken' ? XenStoreRingError.Protocol : this.#channel.error
    this.#channel.giveUp(error)
    this.#options.onBroken(error)
  }
}
