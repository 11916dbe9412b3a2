import { type Port, type SharedMemory, XenError } from '@split-driver/abi'
import type { EventChannels } from '@split-driver/evtchn'
import { xenstoreDomainInterface } from '@split-driver/ring'
import type { ByteChannel } from '../byte-channel.js'
import { XenStoreConnection, XenStoreRingError, XenStoreServerFeature } from '../wire/ring-page.js'
import { RingChannel } from './ring-channel.js'

const { at } = xenstoreDomainInterface

/**
 * A domain's end of XenStore's ring page and its port, which stay while one connection over them follows the other. Events
 * are answered here; page and port stay their owner's.
 * @see docs/misc/xenstore-ring.txt (rule 54)
 */
export class RingLink {
  readonly #page: SharedMemory
  readonly #notify: () => void
  #channel: RingChannel
  #onConnected: (() => void) | undefined

  /** @throws XenError EBUSY EINVAL of the port */
  constructor(page: SharedMemory, events: EventChannels, port: Port) {
    this.#page = page
    this.#notify = () => events.notify(port)
    this.#channel = RingChannel.front(page, this.#notify)
    events.listen(port, () => {
      const outcome = this.#onConnected ? 'worked' : this.#channel.eventOutcome
      this.#lookForConnected()
      this.#channel.wake()
      events.eoi(port, outcome)
    })
  }

  /** The present connection; at first it takes the page as it stands. */
  get channel(): ByteChannel {
    return this.#channel
  }

  /**
   * Asks the server to begin anew, after it has given the page up or we have: it forgets all watches, transactions and
   * requests under way. For `XenStoreClientOptions.reconnect`.
   * @throws XenError CLOSED if the server does not offer that; the signal's reason
   */
  async reconnect(signal: AbortSignal): Promise<ByteChannel> {
    const page = this.#page
    if ((page.loadOrdered(at.serverFeatures.word) & XenStoreServerFeature.Reconnection) === 0)
      throw new XenError('CLOSED', 'the XenStore server takes nobody back who has lost the connection of a ring page')
    this.#channel.close()
    // Servers leave an old error there, and it would end the new connection.
    page.storeOrdered(at.error.word, XenStoreRingError.None)
    page.storeOrdered(at.connection.word, XenStoreConnection.Reconnect)
    this.#notify()
    await this.#connected(signal)
    this.#channel = RingChannel.front(page, this.#notify)
    return this.#channel
  }

  #connected(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#onConnected = undefined
        reject(signal.reason)
      }
      this.#onConnected = () => {
        signal.removeEventListener('abort', giveUp)
        resolve()
      }
      signal.addEventListener('abort', giveUp)
      this.#lookForConnected()
    })
  }

  #lookForConnected(): void {
    if (this.#onConnected === undefined) return
    if (this.#page.loadOrdered(at.connection.word) !== XenStoreConnection.Connected) return
    this.#onConnected()
    this.#onConnected = undefined
  }
}
