import type { Domid, Port, Virq } from '@split-driver/abi'
import type { EventChannels } from '@split-driver/evtchn'
import { IoctlArgument, ioctlNumber } from './emulated-nodes-argument.js'
import { NodeFile } from './emulated-nodes-file.js'
import type { KernelPorts } from './emulated-nodes-ports.js'
import { kernelErrno, refused } from './emulated-nodes-refusal.js'

/** @see xen/sys/evtchn.h */
const BIND_VIRQ = ioctlNumber('E', 0, 4)
const BIND_INTERDOMAIN = ioctlNumber('E', 1, 8)
const BIND_UNBOUND_PORT = ioctlNumber('E', 2, 4)
const UNBIND = ioctlNumber('E', 3, 4)
const NOTIFY = ioctlNumber('E', 4, 4)
const RESET = ioctlNumber('E', 5, 0)
const RESTRICT_DOMID = ioctlNumber('E', 6, 2)

const PORT_BYTES = 4
/** Of the two-level ABI, which the emulated kernel has. */
const PORTS = 4096
/** Ports that the ring holds at first; it doubles when more are bound. @see Linux, drivers/xen/evtchn.c */
const FIRST_RING_SIZE = 64

/**
 * /dev/xen/evtchn: a port that has an event is put into the file's ring and is off until its number is written back. What
 * is in the ring stays there, also when its port is unbound; the number may have a new owner when it is read.
 */
export class EvtchnFile extends NodeFile {
  readonly #events: EventChannels
  readonly #kernelPorts: KernelPorts
  readonly #maxRingSize: number
  /** Bound ports, and whether each is on. */
  readonly #enabled = new Map<Port, boolean>()
  readonly #ring: Port[] = []
  #ringSize = 0
  #overflow = false
  #restrictedTo: Domid | undefined

  /** @param maxRingSize a kernel that does not let the ring grow beyond this, so that it can be seen to overflow */
  constructor(path: string, events: EventChannels, kernelPorts: KernelPorts, maxRingSize: number) {
    super(path)
    this.#events = events
    this.#kernelPorts = kernelPorts
    this.#maxRingSize = maxRingSize
  }

  override get readable(): boolean {
    return this.#ring.length > 0 || this.#overflow
  }

  ioctl(request: number, bytes: Uint8Array): number {
    const argument = new IoctlArgument(bytes, (request >>> 16) & 0x3fff)
    switch (request) {
      case BIND_VIRQ:
        this.#assertUnrestricted()
        return this.#bind(() => this.#events.bindVirq(argument.u32(0) as Virq))
      case BIND_INTERDOMAIN:
        this.#assertMayBind(argument.u32(0) as Domid)
        return this.#bind(() => this.#events.bindInterdomain(argument.u32(0) as Domid, argument.u32(4) as Port))
      case BIND_UNBOUND_PORT:
        this.#assertUnrestricted()
        return this.#bind(() => this.#events.bindUnboundPort(argument.u32(0) as Domid))
      case UNBIND:
        this.#unbind(this.#bound(argument.u32(0)))
        return 0
      case NOTIFY:
        this.#notify(this.#bound(argument.u32(0)))
        return 0
      case RESET:
        this.#ring.length = 0
        this.#overflow = false
        return 0
      case RESTRICT_DOMID:
        this.#assertUnrestricted()
        this.#restrictedTo = argument.u16(0) as Domid
        return 0
      default:
        throw refused('ENOSYS', `${this.path} has no request ${request.toString(16)}`)
    }
  }

  override read(target: Uint8Array): number {
    const room = Math.floor(Math.min(target.length, 4096) / PORT_BYTES)
    if (room === 0) return 0
    if (this.#overflow) throw refused('EFBIG', 'the ring of ports has overflowed')
    const ports = this.#ring.splice(0, room)
    const view = new DataView(target.buffer, target.byteOffset, target.byteLength)
    for (const [i, port] of ports.entries()) view.setUint32(i * PORT_BYTES, port, true)
    return ports.length * PORT_BYTES
  }

  /** Numbers that are not bound here, or that are on, are passed over. */
  override write(source: Uint8Array): number {
    const count = Math.floor(Math.min(source.length, 4096) / PORT_BYTES)
    const view = new DataView(source.buffer, source.byteOffset, source.byteLength)
    for (let i = 0; i < count; i++) {
      const port = view.getUint32(i * PORT_BYTES, true) as Port
      if (this.#enabled.get(port) !== false) continue
      this.#enabled.set(port, true)
      this.#events.eoi(port)
    }
    return count * PORT_BYTES
  }

  override holdings(): string[] {
    return [...super.holdings(), ...[...this.#enabled.keys()].map((port) => `port ${port}, bound by ${this.path}`)]
  }

  protected release(): void {
    for (const port of [...this.#enabled.keys()]) this.#unbind(port)
  }

  #bind(hypercall: () => Port): Port {
    let port: Port
    try {
      port = hypercall()
    } catch (error) {
      throw kernelErrno(error)
    }
    this.#enabled.set(port, true)
    this.#growRing()
    this.#kernelPorts.opened(port, () => this.#events.unbind(port))
    this.#events.listen(port, () => this.#interrupt(port))
    return port
  }

  #unbind(port: Port): void {
    this.#enabled.delete(port)
    this.#kernelPorts.put(port)
  }

  /** The driver does not look at what the hypercall answers. */
  #notify(port: Port): void {
    try {
      this.#events.notify(port)
    } catch (error) {
      kernelErrno(error)
    }
  }

  /** Nothing that is masked interrupts: what would be a warning in the kernel's log is a defect here. */
  #interrupt(port: Port): void {
    if (this.#enabled.get(port) !== true) return
    this.#enabled.set(port, false)
    if (this.#ring.length < this.#ringSize) this.#ring.push(port)
    else this.#overflow = true
    this.onReadable()
  }

  /** Linux keeps a slot for each bound port. */
  #growRing(): void {
    if (this.#enabled.size <= this.#ringSize) return
    this.#ringSize = Math.min(this.#maxRingSize, this.#ringSize === 0 ? FIRST_RING_SIZE : 2 * this.#ringSize)
  }

  #bound(port: number): Port {
    if (this.#enabled.has(port as Port)) return port as Port
    throw refused(port >= PORTS ? 'EINVAL' : 'ENOTCONN', `port ${port} is not bound by this file`)
  }

  #assertUnrestricted(): void {
    if (this.#restrictedTo !== undefined)
      throw refused('EACCES', `this file is restricted to domain ${this.#restrictedTo}`)
  }

  #assertMayBind(remoteDomid: Domid): void {
    if (this.#restrictedTo !== remoteDomid) this.#assertUnrestricted()
  }
}
