import type { Domid, Port, Virq } from '@split-driver/abi'
import type { EventChannels, EventOutcome } from '@split-driver/evtchn'
import { type DomainTracer, errorName } from './domain-tracer.js'

/** Event channels whose steps are recorded: before the call where another domain may act upon it, else after it. */
export class TracedEventChannels implements EventChannels {
  readonly #below: EventChannels
  readonly #tracer: DomainTracer

  constructor(below: EventChannels, tracer: DomainTracer) {
    this.#below = below
    this.#tracer = tracer
  }

  bindUnboundPort(remoteDomid: Domid): Port {
    const port = this.#bind('bindUnboundPort', () => this.#below.bindUnboundPort(remoteDomid))
    this.#tracer.step('event.bind-unbound', port, remoteDomid)
    return port
  }

  bindInterdomain(remoteDomid: Domid, remotePort: Port): Port {
    const { step, domid, recorder } = this.#tracer
    const port = this.#bind('bindInterdomain', () => this.#below.bindInterdomain(remoteDomid, remotePort))
    recorder.names.bound(domid, port, remoteDomid, remotePort)
    step('event.bind-interdomain', port, remoteDomid, remotePort)
    return port
  }

  bindVirq(virq: Virq): Port {
    const port = this.#bind('bindVirq', () => this.#below.bindVirq(virq))
    this.#tracer.step('event.bind-virq', port, virq)
    return port
  }

  bindIpi(): Port {
    const port = this.#bind('bindIpi', () => this.#below.bindIpi())
    this.#tracer.step('event.bind-ipi', port)
    return port
  }

  notify(port: Port): void {
    this.#tracer.step('event.notify', port)
    this.#below.notify(port)
  }

  listen(port: Port, handler: (port: Port) => void): void {
    const { step } = this.#tracer
    this.#below.listen(port, (delivered) => {
      step('event.deliver', delivered)
      handler(delivered)
    })
  }

  eoi(port: Port, outcome: EventOutcome = 'worked'): void {
    this.#tracer.step('event.eoi', port, outcome)
    this.#below.eoi(port, outcome)
  }

  mask(port: Port): void {
    this.#below.mask(port)
    this.#tracer.step('event.mask', port)
  }

  unmask(port: Port): void {
    this.#tracer.step('event.unmask', port)
    this.#below.unmask(port)
  }

  unbind(port: Port): void {
    this.#below.unbind(port)
    this.#tracer.step('event.unbind', port)
  }

  #bind(operation: string, bind: () => Port): Port {
    const { domid, recorder, step } = this.#tracer
    try {
      const port = bind()
      recorder.names.forgetPort(domid, port)
      return port
    } catch (error) {
      step('event.failed', operation, errorName(error))
      throw error
    }
  }
}
