import { type Port, XenError } from '@split-driver/abi'
import type { EventChannels } from './event-channels.js'
import type { PortMasking, PortSink } from './port-masking.js'

/** One port of ours. */
interface OpenPort {
  handler: ((port: Port) => void) | undefined
  /** Delivered, and its handler has not said `eoi` yet. */
  inService: boolean
  /** Masked by `mask`. */
  explicitlyMasked: boolean
  /** An event came while it could not be delivered; it stays masked below until it is. */
  held: boolean
}

/**
 * The half of `EventChannels` that is the same on every event ABI: who listens, and who still works. A delivered port
 * stays masked below until `eoi` (rule 66, lateeoi); an explicitly masked one, and one nobody listens to, keeps its event.
 *
 * The world above opens a port when it has bound it and closes it *before* it gives it back.
 */
export class PortDispatcher implements PortSink, Pick<EventChannels, 'listen' | 'eoi' | 'mask' | 'unmask'> {
  readonly #below: PortMasking
  readonly #requestUpcall: () => void
  readonly #ports = new Map<Port, OpenPort>()

  /** @param requestUpcall sees to it that an upcall runs, now or soon; called when `unmask` found an event */
  constructor(below: PortMasking, requestUpcall: () => void) {
    this.#below = below
    this.#requestUpcall = requestUpcall
  }

  /** `port` is ours from now on; it is masked until somebody listens. @throws XenError EEXIST if it was ours already */
  open(port: Port): void {
    if (this.#ports.has(port)) throw new XenError('EEXIST', `port ${port} is open already`, { detail: { port } })
    this.#below.mask(port)
    this.#ports.set(port, { handler: undefined, inService: false, explicitlyMasked: false, held: false })
  }

  /** `port` is no longer ours: masked, and nothing of it is delivered after this returns. @throws XenError EINVAL */
  close(port: Port): void {
    this.#openPort(port)
    this.#below.mask(port)
    this.#ports.delete(port)
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
    this.#letThrough(port, open)
  }

  /** Without effect on a port that is not ours (it was closed during the work) or that owes no `eoi`. */
  eoi(port: Port): void {
    const open = this.#ports.get(port)
    if (!open?.inService) return
    open.inService = false
    this.#letThrough(port, open)
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
    this.#letThrough(port, open)
  }

  /** An event of a port that is not ours is dropped, and the port stays masked: nobody is there to be woken. */
  deliver(port: Port): void {
    const open = this.#ports.get(port)
    if (open === undefined) return
    if (open.handler === undefined || open.explicitlyMasked || open.inService) {
      open.held = true
      return
    }
    open.inService = true
    open.handler(port)
  }

  #letThrough(port: Port, open: OpenPort): void {
    if (open.handler === undefined || open.explicitlyMasked || open.inService) return
    if (open.held) {
      open.held = false
      this.deliver(port)
      return
    }
    if (this.#below.unmask(port)) this.#requestUpcall()
  }

  #openPort(port: Port): OpenPort {
    const open = this.#ports.get(port)
    if (open === undefined) throw new XenError('EINVAL', `port ${port} is not ours`, { detail: { port } })
    return open
  }
}
