import type { Port, SharedMemory } from '@split-driver/abi'
import type { EventChannels } from '@split-driver/evtchn'
import { xenstoreDomainInterface } from '@split-driver/ring'
import { RingChannel, XenStoreConnection, XenStoreRingError, XenStoreServerFeature } from '@split-driver/xenbus'
import { Client, type EndReason } from '../client/client.js'
import type { TurnQueue, TurnTaker } from '../client/turn-queue.js'
import type { Caller } from '../domains/domain-record.js'
import type { FoundRing } from '../state/journal/found-rings.js'
import { goOn, isSound } from '../state/journal/restore-ring.js'
import type { StoreHost } from '../store-host.js'
import { KeptRing, type RingProgress } from './kept-ring.js'

const { at } = xenstoreDomainInterface

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
  /** A server that was killed has served the ring up to here. */
  readonly found?: FoundRing | undefined
}

/** What a reconnection replaces. */
interface RingConnection {
  readonly channel: RingChannel
  readonly client: Client
  /** Where there is a journal. */
  readonly kept: KeptRing | undefined
}

/**
 * A client behind a ring page. An event is answered (`eoi`) once the ring was found empty, or nothing more can be done
 * before the domain takes its replies: what it adds while we have not taken all, Linux announces by no other event. That a
 * domain which fills its ring as fast as we empty it keeps nobody from theirs is the turns' part (S6), and its events are
 * masked meanwhile (E1).
 * @see docs/misc/xenstore-ring.txt (rule 54); Linux, drivers/xen/xenbus/xenbus_comms.c xb_write
 */
export class DomainRing implements TurnTaker {
  readonly #options: DomainRingOptions
  #connection: RingConnection
  /** We moved an index, and the domain does not know yet. */
  #moved = false
  /** An event was delivered and not answered yet. */
  #delivered = false
  /** The domain waits to be told that its connection is there. */
  #isAwaited = false

  constructor(options: DomainRingOptions) {
    this.#options = options
    const { found, page } = options
    // A domain that asked for a new connection while nobody was there has given the old one up.
    const goesOn = found !== undefined && !this.#asksForReconnection() && isSound(found, page)
    this.#connection = this.#connect(goesOn ? found : undefined)
    if (found !== undefined && this.#asksForReconnection()) this.#reconnect()
    this.#advertise()
    if (!goesOn) return
    goOn(this.#connection.client, found)
    // Whoever was killed may have moved an index and not have told.
    this.#moved = true
  }

  /** What has become of both streams, where there is a journal. */
  get progress(): RingProgress | undefined {
    return this.#connection.kept?.progress
  }

  /** What is written down is done in the page, too, for whoever takes it up. */
  settle(): void {
    this.#connection.kept?.settle()
    if (this.#moved) this.#notify()
  }

  get client(): Client {
    return this.#connection.client
  }

  /** Begins to serve; the domain may have asked something already. @throws XenError EBUSY EINVAL */
  listen(): void {
    const { events, port } = this.#options
    events.listen(port, () => {
      this.#delivered = true
      if (this.#asksForReconnection()) this.#reconnect()
      this.#connection.channel.wake()
    })
  }

  turn(): boolean {
    const { client, kept } = this.#connection
    if (this.#isAwaited) this.#tellConnected()
    kept?.begin()
    const more = client.turn()
    kept?.end(() => this.#options.host.recorder?.ring(client, kept.progress))
    if (this.#moved) this.#notify()
    if (!more) this.#answerEvent()
    return more
  }

  /** Serves no longer; the page and the port may be given up after this. */
  end(): void {
    this.#isAwaited = false
    this.#disconnect()
    this.#options.turns.remove(this)
  }

  /** Nothing is under way in either direction any more; for a page that a domain takes up anew. */
  static reset(page: SharedMemory): void {
    for (const index of [at.reqCons, at.reqProd, at.rspCons, at.rspProd]) page.storeOrdered(index.word, 0)
    page.storeOrdered(at.error.word, XenStoreRingError.None)
  }

  #connect(found?: FoundRing): RingConnection {
    const { caller, host, page, turns } = this.#options
    const channel = RingChannel.back(page, () => {
      this.#moved = true
    })
    const wake = (): void => turns.schedule(this)
    const kept = host.journal && new KeptRing(channel, host.journal, found?.ring)
    const served = { channel: kept ?? channel, isKept: kept !== undefined }
    const client = new Client({ ...served, caller, host, wake, onEnd: (reason) => this.#giveUp(reason) })
    served.channel.onReady(wake)
    return { channel, client, kept }
  }

  #disconnect(): void {
    this.#connection.client.end()
    this.#connection.channel.close()
  }

  /** The page says what we can do, and that we are there. @see core.c do_introduce */
  #advertise(): void {
    const { page, caller } = this.#options
    page.storeOrdered(at.serverFeatures.word, caller.domain.features)
    if (page.loadOrdered(at.connection.word) === XenStoreConnection.Reconnect) this.#tellConnected()
  }

  /** Not before it is written down: one that is told does not ask the next server for a new connection. */
  #tellConnected(): void {
    const { host, turns } = this.#options
    host.journal?.flush()
    this.#isAwaited = host.journal?.pending ?? false
    if (this.#isAwaited) {
      host.journal?.whenWritten(() => turns.schedule(this))
      return
    }
    this.#options.page.storeOrdered(at.connection.word, XenStoreConnection.Connected)
    this.#notify()
  }

  #offers(feature: number): boolean {
    return (this.#options.caller.domain.features & feature) !== 0
  }

  #asksForReconnection(): boolean {
    if (!this.#offers(XenStoreServerFeature.Reconnection)) return false
    return this.#options.page.loadOrdered(at.connection.word) === XenStoreConnection.Reconnect
  }

  /** Whatever was before, watches, transactions and unfinished messages, is over; also after the domain broke the rules. */
  #reconnect(): void {
    this.#disconnect()
    DomainRing.reset(this.#options.page)
    this.#connection = this.#connect()
    const { client, kept } = this.#connection
    if (kept !== undefined) this.#options.host.recorder?.reconnected(client, kept.progress)
    this.#tellConnected()
  }

  #notify(): void {
    this.#moved = false
    this.#options.events.notify(this.#options.port)
  }

  #answerEvent(): void {
    if (!this.#delivered) return
    this.#delivered = false
    this.#options.events.eoi(this.#options.port, this.#connection.channel.eventOutcome)
  }

  /** The domain loses its connection, and keeps its nodes (rules 38, 54). */
  #giveUp(reason: EndReason): void {
    const { channel } = this.#connection
    const error = reason === 'broken' ? XenStoreRingError.Protocol : channel.error
    if (this.#offers(XenStoreServerFeature.Error)) channel.giveUp(error)
    else channel.close()
    this.#options.onBroken(error)
  }
}
