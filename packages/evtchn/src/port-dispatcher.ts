import { type Domid, type Port, XenError } from '@split-driver/abi'
import type { EventChannels } from './event-channels.js'
import type { EventClock } from './event-clock.js'
import type { EventOutcome } from './event-outcome.js'
import type { PortMasking, PortSink } from './port-masking.js'
import { type GuardedPort, StormGuard } from './storm-guard.js'
import type { StormPolicy } from './storm-policy.js'

/** One port of ours. */
interface OpenPort extends GuardedPort {
  readonly port: Port
  readonly peerDomid: Domid | undefined
  handler: ((port: Port) => void) | undefined
  /** Delivered, and its handler has not said `eoi` yet. */
  inService: boolean
  /** Masked by `mask`. */
  explicitlyMasked: boolean
  /** An event came while it could not be delivered; it stays masked below until it is. */
  held: boolean
}

export interface DispatcherOptions {
  /** Time for the delays of storms; without it there are none. */
  readonly clock?: EventClock
  /** `DEFAULT_STORM_POLICY` unless given. */
  readonly stormPolicy?: StormPolicy
}

/**
 * The half of `EventChannels` that is the same on every event ABI: who listens, and who still works. A delivered port
 * stays masked below until `eoi` (rule 66, lateeoi); an explicitly masked one, and one nobody listens to, keeps its event.
 * After `eoi` it stays so for a while longer if its peer sends events without work, or more than its share.
 *
 * The world above opens a port when it has bound it and closes it *before* it gives it back.
 */
export class PortDispatcher implements PortSink, Pick<EventChannels, 'listen' | 'eoi' | 'mask' | 'unmask'> {
  readonly #below: PortMasking
  readonly #requestUpcall: () => void
  readonly #guard: StormGuard<OpenPort> | undefined
  readonly #ports = new Map<Port, OpenPort>()

  /** @param requestUpcall sees to it that an upcall runs, now or soon; called when `unmask` found an event */
  constructor(below: PortMasking, requestUpcall: () => void, { clock, stormPolicy }: DispatcherOptions = {}) {
    this.#below = below
    this.#requestUpcall = requestUpcall
    this.#guard = clock && new StormGuard<OpenPort>(clock, (open) => this.#letThrough(open), stormPolicy)
  }

  /**
   * `port` is ours from now on; it is masked until somebody listens.
   * @param peerDomid who raises it; its ports together have a budget. None for a port that no other domain raises
   * @throws XenError EEXIST if it was ours already
   */
  open(port: Port, peerDomid?: Domid): void {
    if (this.#ports.has(port)) throw new XenError('EEXIST', `port ${port} is open already`, { detail: { port } })
    this.#below.mask(port)
    this.#ports.set(port, {
      port,
      peerDomid,
      peer: peerDomid === undefined ? undefined : this.#guard?.join(peerDomid),
      handler: undefined,
      inService: false,
      explicitlyMasked: false,
      held: false,
      spurious: 0,
      delayed: false,
    })
  }

  /** `port` is no longer ours: masked, and nothing of it is delivered after this returns. @throws XenError EINVAL */
  close(port: Port): void {
    const open = this.#openPort(port)
    this.#below.mask(port)
    this.#ports.delete(port)
    open.delayed = false
    if (open.peerDomid !== undefined) this.#guard?.leave(open.peerDomid)
  }

  /** Every port that is open, in the order they were opened. */
  openPorts(): Port[] {
    return [...this.#ports.keys()]
  }

  isOpen(port: Port): boolean {
    return this.#ports.has(port)
  }

  listen(port: Port, handler: (port: Port) => void): void {
    const open = this.#openPort(port)
    if (open.handler !== undefined) throw new XenError('EBUSY', `port ${port} has a listener`, { detail: { port } })
    open.handler = handler
    this.#letThrough(open)
  }

  /** Without effect on a port that is not ours (it was closed during the work) or that owes no `eoi`. */
  eoi(port: Port, outcome: EventOutcome = 'worked'): void {
    const open = this.#ports.get(port)
    if (!open?.inService) return
    open.inService = false
    if (this.#guard?.delay(open, outcome)) return
    this.#letThrough(open)
  }

  /**
   * Ends the delays that are over, for a thread that sleeps in a wait of its own and has no timers meanwhile.
   * @returns milliseconds until the next one is; Infinity if there is none
   */
  endDelays(): number {
    return this.#guard?.resumeDue() ?? Number.POSITIVE_INFINITY
  }

  /** No delay ends any more by itself: nothing below is touched after this. */
  stop(): void {
    this.#guard?.stop()
  }

  /** @throws XenError EINVAL */
  mask(port: Port): void {
    this.#openPort(port).explicitlyMasked = true
    this.#below.mask(port)
  }

  /** @throws XenError EINVAL */
  unmask(port: Port): void {
    const open = this.#openPort(port)
    open.explicitlyMasked = false
    this.#letThrough(open)
  }

  /** An event of a port that is not ours is dropped, and the port stays masked: nobody is there to be woken. */
  deliver(port: Port): void {
    const open = this.#ports.get(port)
    if (open === undefined) return
    if (isClosedToEvents(open)) open.held = true
    else this.#serve(open)
  }

  #letThrough(open: OpenPort): void {
    if (isClosedToEvents(open)) return
    if (!open.held) {
      if (this.#below.unmask(open.port)) this.#requestUpcall()
      return
    }
    open.held = false
    this.#serve(open)
  }

  #serve(open: OpenPort): void {
    open.inService = true
    open.peer?.spend()
    open.handler?.(open.port)
  }

  #openPort(port: Port): OpenPort {
    const open = this.#ports.get(port)
    if (open === undefined) throw new XenError('EINVAL', `port ${port} is not ours`, { detail: { port } })
    return open
  }
}

const isClosedToEvents = ({ handler, explicitlyMasked, inService, delayed }: OpenPort): boolean =>
  handler === undefined || explicitlyMasked || inService || delayed
