import { type Domid, type Port, type SharedMemory, type Virq, XenError } from '@split-driver/abi'
import { type EventChannels, PortDispatcher, TwoLevelEvents } from '@split-driver/evtchn'
import type { EventChannelCalls } from './hypervisor/event-channel-calls.js'
import type { Hypervisor } from './hypervisor/hypervisor.js'
import type { PauseGate } from './pause-gate.js'

/** Deliveries in one upcall before other work of the thread gets its turn. */
const UPCALL_BUDGET = 256

/** A domain's event channels: hypercalls to open and send, the two-level ABI on its shared-info page to receive. */
export class EmulatedEventChannels implements EventChannels {
  readonly #domid: Domid
  readonly #calls: EventChannelCalls
  readonly #dispatcher: PortDispatcher
  readonly #detach: () => void
  #detached = false

  /** @param startOfDay ports that the domain's builder opened */
  constructor(
    domid: Domid,
    xen: Hypervisor,
    calls: EventChannelCalls,
    sharedInfo: SharedMemory,
    startOfDay: readonly Port[],
    gate: PauseGate,
  ) {
    this.#domid = domid
    this.#calls = calls
    const events = new TwoLevelEvents(sharedInfo)
    const dispatcher = new PortDispatcher(events, () => xen.wakeups.signal(domid, 0, xen.domains))
    events.maskAll()
    for (const port of startOfDay) dispatcher.open(port)
    this.#dispatcher = dispatcher
    this.#detach = xen.wakeups.attach(
      domid,
      0,
      xen.domains,
      gate.gated(() => events.upcall(dispatcher, UPCALL_BUDGET)),
    )
  }

  bindUnboundPort(remoteDomid: Domid): Port {
    return this.#opened(() => this.#calls.allocUnbound(this.#domid, this.#domid, remoteDomid))
  }

  bindInterdomain(remoteDomid: Domid, remotePort: Port): Port {
    return this.#opened(() => this.#calls.bindInterdomain(this.#domid, remoteDomid, remotePort))
  }

  bindVirq(virq: Virq): Port {
    return this.#opened(() => this.#calls.bindVirq(this.#domid, virq))
  }

  bindIpi(): Port {
    return this.#opened(() => this.#calls.bindIpi(this.#domid))
  }

  notify(port: Port): void {
    if (this.#detached) this.#refuse()
    this.#calls.send(this.#domid, port)
  }

  listen(port: Port, handler: (port: Port) => void): void {
    this.#live.listen(port, handler)
  }

  /** Without effect once the domain is no more: its work ends whenever it may. */
  eoi(port: Port): void {
    if (!this.#detached) this.#dispatcher.eoi(port)
  }

  mask(port: Port): void {
    this.#live.mask(port)
  }

  unmask(port: Port): void {
    this.#live.unmask(port)
  }

  unbind(port: Port): void {
    this.#live.close(port)
    this.#calls.close(this.#domid, port)
  }

  /** No event is delivered from here on, and the shared-info page is not touched again: it may be another domain's. */
  detach(): void {
    this.#detached = true
    this.#detach()
  }

  /** @throws XenError ESRCH once the domain is no more */
  get #live(): PortDispatcher {
    if (this.#detached) this.#refuse()
    return this.#dispatcher
  }

  #refuse(): never {
    throw new XenError('ESRCH', `domain ${this.#domid} is no more`, { detail: { domid: this.#domid } })
  }

  #opened(bind: () => Port): Port {
    const dispatcher = this.#live
    const port = bind()
    dispatcher.open(port)
    return port
  }
}
