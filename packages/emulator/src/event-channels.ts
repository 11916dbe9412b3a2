import { type Domid, type Port, type Virq, XenError } from '@split-driver/abi'
import {
  type EventAbi,
  type EventChannels,
  type EventOutcome,
  PortDispatcher,
  type PortSink,
} from '@split-driver/evtchn'
import type { Clock } from '@split-driver/platform'
import type { AttachOptions } from './attach-options.js'
import type { GuestEventAbi } from './guest/guest-event-abi.js'
import type { Hypervisor } from './hypervisor/hypervisor.js'
import type { Hypercalls } from './machine.js'
import type { PauseGate } from './wakeups/pause-gate.js'
import type { Upcall } from './wakeups/wakeups.js'

/** Deliveries in one upcall before other work of the thread gets its turn. */
const UPCALL_BUDGET = 256

export interface EventChannelParts {
  readonly domid: Domid
  readonly vcpu: number
  readonly xen: Hypervisor
  readonly calls: Pick<Hypercalls, 'channels' | 'eventControl'>
  readonly guest: GuestEventAbi
  /** Ports that the domain's builder opened, for the control domain to bind. */
  readonly startOfDay: readonly Port[]
  readonly gate: PauseGate
  readonly clock: Clock
  readonly delivery: AttachOptions['delivery']
}

/**
 * The event channels of one vcpu: hypercalls to open and send, an event ABI on the domain's own pages to receive. What a vcpu
 * opens, it serves.
 */
export class EmulatedEventChannels implements EventChannels {
  readonly #domid: Domid
  readonly #vcpu: number
  readonly #xen: Hypervisor
  readonly #calls: EventChannelParts['calls']
  readonly #guest: GuestEventAbi
  readonly #abi: EventAbi
  readonly #clock: Clock
  readonly #gate: PauseGate
  readonly #dispatcher: PortDispatcher
  readonly #upcall: Upcall
  readonly #detach: (() => void) | undefined
  #delivered = 0
  #detached = false
  readonly #sink: PortSink = {
    deliver: (port) => {
      this.#delivered++
      this.#dispatcher.deliver(port)
    },
  }

  /** @throws TypeError for blocking delivery where all domains are one thread's */
  constructor(parts: EventChannelParts) {
    const { domid, vcpu, xen, guest, gate, clock, delivery } = parts
    if (delivery === 'blocking' && !xen.wakeups.parallel)
      throw new TypeError('a thread that runs several domains cannot sleep for one of them: mode "threads" is needed')
    this.#domid = domid
    this.#vcpu = vcpu
    this.#xen = xen
    this.#calls = parts.calls
    this.#guest = guest
    this.#abi = guest.abi
    this.#clock = clock
    this.#gate = gate
    this.#dispatcher = new PortDispatcher(guest.abi, () => xen.wakeups.signal(domid, vcpu, xen.domains), { clock })
    for (const port of parts.startOfDay) {
      guest.cover(port)
      this.#take(port)
    }
    this.#upcall = gate.gated(() => this.#abi.upcall(this.#sink, UPCALL_BUDGET))
    if (delivery !== 'blocking') this.#detach = xen.wakeups.attach(domid, vcpu, xen.domains, this.#upcall)
  }

  bindUnboundPort(remoteDomid: Domid): Port {
    return this.#opened(() => this.#calls.channels.allocUnbound(this.#domid, this.#domid, remoteDomid), remoteDomid)
  }

  bindInterdomain(remoteDomid: Domid, remotePort: Port): Port {
    return this.#opened(() => this.#calls.channels.bindInterdomain(this.#domid, remoteDomid, remotePort), remoteDomid)
  }

  /** On this vcpu, a VIRQ of which each vcpu has its own; else on the first. */
  bindVirq(virq: Virq): Port {
    return this.#opened(() => this.#calls.channels.bindVirq(this.#domid, virq, this.#vcpu))
  }

  /** To wake this vcpu, by whichever vcpu of the domain sends. */
  bindIpi(): Port {
    return this.#opened(() => this.#calls.channels.bindIpi(this.#domid, this.#vcpu))
  }

  notify(port: Port): void {
    if (this.#detached) this.#refuse()
    this.#calls.channels.send(this.#domid, port)
  }

  listen(port: Port, handler: (port: Port) => void): void {
    this.#live.listen(port, handler)
  }

  /** Without effect once the domain is no more: its work ends whenever it may. */
  eoi(port: Port, outcome?: EventOutcome): void {
    if (!this.#detached) this.#dispatcher.eoi(port, outcome)
  }

  mask(port: Port): void {
    this.#live.mask(port)
  }

  unmask(port: Port): void {
    this.#live.unmask(port)
  }

  unbind(port: Port): void {
    this.#live.close(port)
    this.#abi.disclaim(port)
    this.#calls.channels.close(this.#domid, port)
  }

  /**
   * Another vcpu serves the port from now on: it takes it up by `adopt`. What comes between waits there.
   * @throws XenError EINVAL if the port is not ours, an IPI, or a VIRQ of which each vcpu has its own; ENOENT for a vcpu that
   * is not there
   */
  bindVcpu(port: Port, vcpu: number): void {
    const { channels } = this.#calls
    const dispatcher = this.#live
    if (!dispatcher.isOpen(port)) throw new XenError('EINVAL', `port ${port} is not ours`, { detail: { port } })
    if (!this.#xen.vcpus.has(this.#xen.domains.record(this.#domid), vcpu))
      throw new XenError('ENOENT', `domain ${this.#domid} has no vcpu ${vcpu}`, { detail: { vcpu } })
    channels.bindVcpu(this.#domid, port, this.#vcpu) // Whether it can be moved at all, before anything is given up.
    if (vcpu === this.#vcpu) return
    dispatcher.close(port)
    this.#abi.disclaim(port)
    channels.bindVcpu(this.#domid, port, vcpu)
  }

  /**
   * Takes up a port that another vcpu of the domain opened and gave to this one.
   * @throws XenError EINVAL if it is not open, or not bound to this vcpu; EEXIST if it is ours already
   */
  adopt(port: Port): Port {
    const dispatcher = this.#live
    const { is, vcpu, remoteDomid } = this.#calls.channels.status(this.#domid, this.#domid, port)
    if (is === 'closed' || vcpu !== this.#vcpu)
      throw new XenError('EINVAL', `port ${port} is not bound to vcpu ${this.#vcpu}`, { detail: { port } })
    if (dispatcher.isOpen(port)) throw new XenError('EEXIST', `port ${port} is ours already`, { detail: { port } })
    this.#guest.cover(port)
    this.#take(port, remoteDomid)
    return port
  }

  /**
   * FIFO: 0 is served before all others, 15 after them; counts from the next event on. 7 unless given.
   * @throws XenError ENOSYS under the two-level ABI; EINVAL for what is no port of ours or no priority
   */
  setPriority(port: Port, priority: number): void {
    if (!this.#live.isOpen(port)) throw new XenError('EINVAL', `port ${port} is not ours`, { detail: { port } })
    this.#calls.eventControl.setPriority(this.#domid, port, priority)
  }

  /**
   * Blocks this thread until an event comes, and delivers what there is. Handlers run inside of this call.
   * @param milliseconds how long at most; Infinity for ever
   * @returns how many ports were delivered; 0 when `milliseconds` passed first
   * @throws TypeError unless attached with `delivery: 'blocking'`; XenError ESRCH once the domain is no more
   */
  waitForEvents(milliseconds: number): number {
    if (this.#detach)
      throw new TypeError('events come by the event loop: attach with delivery: "blocking" to wait here')
    if (this.#detached) this.#refuse()
    const { words } = this.#xen.memory
    const word = this.#xen.domains.wakeWord(this.#domid, this.#vcpu)
    this.#delivered = 0
    const until = milliseconds === Number.POSITIVE_INFINITY ? milliseconds : this.#clock.now() + milliseconds
    for (;;) {
      const seen = Atomics.load(words, word)
      const untilDelay = this.#dispatcher.endDelays()
      const more = this.#upcall()
      if (this.#delivered > 0 || this.#detached) return this.#delivered
      if (more) continue
      const left = until === Number.POSITIVE_INFINITY ? until : until - this.#clock.now()
      if (left <= 0) return 0
      Atomics.wait(words, word, seen, Math.min(left, untilDelay, this.#gate.untilAlarm()))
    }
  }

  /** No event is delivered from here on, and the domain's pages are not touched again: they may be another's. */
  detach(): void {
    if (this.#detached) return
    this.#detached = true
    this.#detach?.()
    this.#dispatcher.stop()
    this.#guest.invalidate()
  }

  /** @throws XenError ESRCH once the domain is no more */
  get #live(): PortDispatcher {
    if (this.#detached) this.#refuse()
    return this.#dispatcher
  }

  #refuse(): never {
    throw new XenError('ESRCH', `domain ${this.#domid} is no more`, { detail: { domid: this.#domid } })
  }

  /** Opens a port and serves it here; a port whose peer is another domain may be bound to the first vcpu. */
  #opened(bind: () => Port, peer?: Domid): Port {
    if (this.#detached) this.#refuse()
    const port = bind()
    try {
      this.#guest.cover(port)
      if (peer !== undefined && this.#vcpu !== 0) this.#calls.channels.bindVcpu(this.#domid, port, this.#vcpu)
    } catch (error) {
      this.#calls.channels.close(this.#domid, port)
      throw error
    }
    this.#take(port, peer)
    return port
  }

  #take(port: Port, peer?: Domid): void {
    this.#abi.claim(port)
    this.#dispatcher.open(port, peer === this.#domid ? undefined : peer)
  }
}
