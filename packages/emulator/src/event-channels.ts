import type { Domid, Port, SharedMemory, Virq } from '@split-driver/abi'
import { type EventChannels, PortDispatcher, TwoLevelEvents } from '@split-driver/evtchn'
import type { EventChannelCalls } from './hypervisor/event-channel-calls.js'
import type { Hypervisor } from './hypervisor/hypervisor.js'

/** Deliveries in one upcall before other work of the thread gets its turn. */
const UPCALL_BUDGET = 256

/** A domain's event channels: hypercalls to open and send, the two-level ABI on its shared-info page to receive. */
export class EmulatedEventChannels implements EventChannels {
  readonly #domid: Domid
  readonly #calls: EventChannelCalls
  readonly #dispatcher: PortDispatcher
  readonly #detach: () => void

  /** @param startOfDay ports that the domain's builder opened */
  constructor(
    domid: Domid,
    xen: Hypervisor,
    calls: EventChannelCalls,
    sharedInfo: SharedMemory,
    startOfDay: readonly Port[],
  ) {
    this.#domid = domid
    this.#calls = calls
    const events = new TwoLevelEvents(sharedInfo)
    const dispatcher = new PortDispatcher(events, () => xen.wakeups.signal(domid, xen.domains))
    events.maskAll()
    for (const port of startOfDay) dispatcher.open(port)
    this.#dispatcher = dispatcher
    this.#detach = xen.wakeups.attach(domid, xen.domains, () => events.upcall(dispatcher, UPCALL_BUDGET))
  }

  bindUnboundPort(remoteDomid: Domid): Port {
    return this.#opened(this.#calls.allocUnbound(this.#domid, this.#domid, remoteDomid))
  }

  bindInterdomain(remoteDomid: Domid, remotePort: Port): Port {
    return this.#opened(this.#calls.bindInterdomain(this.#domid, remoteDomid, remotePort))
  }

  bindVirq(virq: Virq): Port {
    return this.#opened(this.#calls.bindVirq(this.#domid, virq))
  }

  bindIpi(): Port {
    return this.#opened(this.#calls.bindIpi(this.#domid))
  }

  notify(port: Port): void {
    this.#calls.send(this.#domid, port)
  }

  listen(port: Port, handler: (port: Port) => void): void {
    this.#dispatcher.listen(port, handler)
  }

  eoi(port: Port): void {
    this.#dispatcher.eoi(port)
  }

  mask(port: Port): void {
    this.#dispatcher.mask(port)
  }

  unmask(port: Port): void {
    this.#dispatcher.unmask(port)
  }

  unbind(port: Port): void {
    this.#dispatcher.close(port)
    this.#calls.close(this.#domid, port)
  }

  /** No event is delivered from here on. */
  detach(): void {
    this.#detach()
  }

  #opened(port: Port): Port {
    this.#dispatcher.open(port)
    return port
  }
}
