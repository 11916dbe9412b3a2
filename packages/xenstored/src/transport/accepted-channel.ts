import type { Domid } from '@split-driver/abi'
import type { ByteChannel } from '@split-driver/xenbus'
import { Client } from '../client/client.js'
import type { TurnQueue } from '../client/turn-queue.js'
import type { Caller, DomainRecord } from '../domains/domain-record.js'
import type { StoreHost } from '../store-host.js'

/** Who a channel's other end is. */
export interface AcceptedAs {
  /** Relative paths begin at /local/domain/<domid>. */
  readonly domid: Domid
  readonly privileged: boolean
}

/** A client behind any channel, as a toolstack is behind a Unix socket. */
export class AcceptedChannel {
  readonly channel: ByteChannel
  readonly client: Client
  readonly #turns: TurnQueue

  /** @param onEnd the client is gone by itself */
  constructor(caller: Caller, channel: ByteChannel, host: StoreHost, turns: TurnQueue, onEnd: () => void) {
    this.channel = channel
    this.#turns = turns
    const wake = (): void => turns.schedule(this.client)
    this.client = new Client({
      caller,
      channel,
      host,
      wake,
      onEnd: () => {
        channel.close()
        onEnd()
      },
    })
    channel.onReady(wake)
  }

  get record(): DomainRecord {
    return this.client.caller.domain
  }

  /** Serves no longer, and leaves the channel to whoever goes on with it. */
  leave(): void {
    this.client.end()
    this.#turns.remove(this.client)
  }

  end(): void {
    this.leave()
    this.channel.close()
  }
}
