import type { Domid } from '@split-driver/abi'
import { DueQueue } from './due-queue.js'
import type { EventClock } from './event-clock.js'
import type { EventOutcome } from './event-outcome.js'
import { PeerAllowance } from './peer-allowance.js'
import { DEFAULT_STORM_POLICY, type StormPolicy } from './storm-policy.js'

/** What the guard keeps of one open port. */
export interface GuardedPort {
  readonly peer: PeerAllowance | undefined
  /** Spurious events in a row. */
  spurious: number
  /** It waits for its time; false again once that has come or the port was closed. */
  delayed: boolean
}

/** Doubling stops here at the latest, before numbers get out of hand. */
const MOST_DOUBLINGS = 30

/**
 * Keeps peers that send more than they have work for from taking our time: says which port must wait after its end of
 * interrupt, and calls back when it has. Nothing is lost meanwhile: the port is masked, its event kept below.
 */
export class StormGuard<P extends GuardedPort> {
  readonly #clock: EventClock
  readonly #policy: StormPolicy
  readonly #resume: (port: P) => void
  readonly #waiting = new DueQueue<P>()
  readonly #peers = new Map<Domid, { readonly allowance: PeerAllowance; ports: number }>()
  readonly #wake = () => this.#onTimer()
  #timer: { cancel(): void } | undefined
  #timerDue = Number.POSITIVE_INFINITY

  /** @param resume a port's time has come; must not throw */
  constructor(clock: EventClock, resume: (port: P) => void, policy: StormPolicy = DEFAULT_STORM_POLICY) {
    this.#clock = clock
    this.#policy = policy
    this.#resume = resume
  }

  /** A port of this peer's was opened. @returns what all of its ports share */
  join(peer: Domid): PeerAllowance {
    const known = this.#peers.get(peer)
    if (known !== undefined) known.ports++
    const allowance = known?.allowance ?? new PeerAllowance(this.#policy, () => this.#clock.now())
    if (known === undefined) this.#peers.set(peer, { allowance, ports: 1 })
    return allowance
  }

  /** A port of this peer's was closed. */
  leave(peer: Domid): void {
    const known = this.#peers.get(peer)
    if (known !== undefined && --known.ports === 0) this.#peers.delete(peer)
  }

  /** End of interrupt. @returns whether the port must wait; `resume` follows then */
  delay(port: P, outcome: EventOutcome): boolean {
    port.spurious = outcome === 'worked' ? 0 : port.spurious + 1
    const pausedUntil = port.peer?.pausedUntil ?? 0
    if (port.spurious < 2 && pausedUntil === 0) return false
    const now = this.#clock.now()
    const due = Math.max(now + this.#backOff(port.spurious), pausedUntil)
    if (due <= now) return false
    port.delayed = true
    this.#waiting.add(due, port)
    this.#setTimer()
    return true
  }

  /**
   * Resumes what is due, for a thread that sleeps in a wait of its own and has no timers meanwhile.
   * @returns milliseconds until the next; Infinity if none waits
   */
  resumeDue(): number {
    if (this.#waiting.earliest === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
    const now = this.#clock.now()
    for (let port = this.#waiting.take(now); port !== undefined; port = this.#waiting.take(now)) {
      if (!port.delayed) continue
      port.delayed = false
      this.#resume(port)
    }
    this.#setTimer()
    return this.#waiting.earliest - now
  }

  /** Nothing is resumed any more. */
  stop(): void {
    this.#waiting.clear()
    this.#setTimer()
  }

  #backOff(spurious: number): number {
    if (spurious < 2) return 0
    const { firstDelay, longestDelay } = this.#policy
    return Math.min(longestDelay, firstDelay * 2 ** Math.min(spurious - 2, MOST_DOUBLINGS))
  }

  /** One timer, for the earliest. */
  #setTimer(): void {
    const due = this.#waiting.earliest
    if (due === this.#timerDue) return
    this.#timer?.cancel()
    this.#timerDue = due
    this.#timer =
      due === Number.POSITIVE_INFINITY
        ? undefined
        : this.#clock.setTimer(Math.max(0, due - this.#clock.now()), this.#wake)
  }

  #onTimer(): void {
    this.#timer = undefined
    this.#timerDue = Number.POSITIVE_INFINITY
    this.resumeDue()
  }
}
