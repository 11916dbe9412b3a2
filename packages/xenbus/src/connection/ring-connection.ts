import { type Port, XenError } from '@split-driver/abi'
import type { EventChannels } from '@split-driver/evtchn'
import type { Drained } from '@split-driver/ring'

/** What a connection needs of the domain it runs in; every Platform has it. */
export interface ConnectionHost {
  readonly events: EventChannels
  readonly clock: { setTimer(milliseconds: number, callback: () => void): { cancel(): void } }
}

/** Entries that one pass takes before other work of this thread has its turn. */
export const PASS_LIMIT = 256

/**
 * One ring and its port between two halves of a device. An event wakes a pass, the pass decides: the port stays masked
 * until the ring is empty, so a flood of events costs one delivery a pass. After a broken index nothing is taken any more.
 */
export abstract class RingConnection {
  readonly port: Port
  readonly #host: ConnectionHost
  readonly #onBroken: (error: XenError) => void
  #again: { cancel(): void } | undefined
  #over = false

  constructor(host: ConnectionHost, port: Port, onBroken: (error: XenError) => void) {
    this.port = port
    this.#host = host
    this.#onBroken = onBroken
  }

  /** Publishes what was put into the ring, and notifies the other half if it asked for that. */
  push(): void {
    if (!this.#over && this.publish()) this.#host.events.notify(this.port)
  }

  /** Closes the port and gives the ring's pages back. Nothing is taken any more. Idempotent. */
  close(): void {
    if (this.#over) return
    this.#over = true
    this.#again?.cancel()
    this.#host.events.unbind(this.port)
    this.release()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** @returns whether the other half must be notified */
  protected abstract publish(): boolean
  protected abstract drain(limit: number): Drained
  protected abstract release(): void

  protected begin(): void {
    this.#host.events.listen(this.port, this.#pass)
  }

  readonly #pass = (): void => {
    if (this.#over) return
    const drained = this.drain(PASS_LIMIT)
    this.push()
    if (this.#over) return
    if (drained === 'idle') this.#host.events.eoi(this.port)
    else if (drained === 'more') this.#again = this.#host.clock.setTimer(0, this.#pass)
    else this.#onBroken(new XenError('RING_PROD_OVERFLOW', "the other half's ring index is impossible"))
  }
}
