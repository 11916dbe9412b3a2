import { type Port, XenError } from '@split-driver/abi'
import type { EventChannels } from '@split-driver/evtchn'
import type { Drained } from '@split-driver/ring'

/** What a connection needs of the domain it runs in; every Platform has it. */
export interface ConnectionHost {
  readonly events: EventChannels
  readonly clock: { setTimer(milliseconds: number, callback: () => void): { cancel(): void } }
}

/**
 * How a pass over a ring ended. `blocked`: it cannot go on until its owner calls `wake`; for the others see `Drained`.
 */
export type Served = Drained | 'blocked'

/** Entries that one pass takes before other work of this thread has its turn. */
export const PASS_LIMIT = 256

/**
 * One ring and its port between two halves of a device. An event wakes a pass, the pass decides: the port stays masked
 * until the ring is empty, so a flood of events costs one delivery a pass. After a broken index there is no pass any more.
 */
export abstract class RingConnection {
  readonly port: Port
  readonly #host: ConnectionHost
  readonly #onBroken: (error: XenError) => void
  #again: { cancel(): void } | undefined
  /** Something was in the ring since the last end of an interrupt. */
  #worked = false
  #stopped = false
  #closed = false

  constructor(host: ConnectionHost, port: Port, onBroken: (error: XenError) => void) {
    this.port = port
    this.#host = host
    this.#onBroken = onBroken
  }

  /** Publishes what was put into the ring, and notifies the other half if it asked for that. */
  push(): void {
    if (!this.#closed && this.publish()) this.notify()
  }

  /** Wakes the other half, whether it asked for that or not. */
  notify(): void {
    if (!this.#closed) this.#host.events.notify(this.port)
  }

  /** A pass now: what had blocked the last one is over. */
  wake(): void {
    this.#pass()
  }

  /** Takes nothing any more; what is in work can still be answered until `close`. Idempotent. */
  stop(): void {
    this.#stopped = true
    this.#again?.cancel()
  }

  /** Closes the port and gives the ring's pages back. Once. */
  close(): void {
    this.stop()
    this.#closed = true
    this.#host.events.unbind(this.port)
    this.release()
  }

  /** @returns whether the other half must be notified */
  protected abstract publish(): boolean
  protected abstract serve(limit: number): Served
  /** Entries of the other half's that have been taken from the ring; may wrap. */
  protected abstract taken(): number
  protected abstract release(): void

  /** To be called once, when `serve` may be. */
  protected begin(): void {
    this.#host.events.listen(this.port, this.#pass)
  }

  readonly #pass = (): void => {
    if (this.#stopped) return
    const before = this.taken()
    const served = this.serve(PASS_LIMIT)
    if (this.taken() !== before) this.#worked = true
    switch (served) {
      case 'idle':
        this.#endInterrupt()
        break
      case 'more':
        this.#again = this.#host.clock.setTimer(0, this.#pass)
        break
      case 'broken':
        this.stop()
        this.#onBroken(new XenError('RING_PROD_OVERFLOW', "the other half's ring index is impossible"))
        break
      case 'blocked':
    }
  }

  #endInterrupt(): void {
    const outcome = this.#worked ? 'worked' : 'spurious'
    this.#worked = false
    this.#host.events.eoi(this.port, outcome)
  }
}
