import { type Domid, type Port, type Virq, XenError } from '@split-driver/abi'
import type { EventAnswer, EventCall, EventsUnderTest, EventWorldShape, ObservedPort } from '@split-driver/conformance'
import { Machine } from '@split-driver/emulator'
import { RawGuest } from './raw-guest.js'

/** The hypervisor itself as a caller. @see xen.h DOMID_XEN */
const DOMID_XEN = 0x7ff2 as Domid

/** A schedule gives some of them away; none comes back before the next. */
const MEMORY_PAGES = 64

export interface EmulatedEventsShape extends Partial<Omit<EventWorldShape, 'domids'>> {
  /** How many. Default 3. */
  readonly domains?: number
}

/** An emulated machine whose domains run no code: every hypercall is made for them, as the model demands. */
export class EmulatedEvents implements EventsUnderTest {
  readonly shape: EventWorldShape
  readonly #machine = Machine.create({ memoryMiB: 4, maxDomains: 4 })
  readonly #guests = new Map<number, RawGuest>()

  constructor({ domains = 3, vcpus = 2, maxPort = 10, wordBits = [], portsBefore = 0 }: EmulatedEventsShape = {}) {
    for (let i = 0; i < domains; i++) {
      const plan = { memoryPages: MEMORY_PAGES, vcpus, maxEventChannels: maxPort, wordBits: wordBits[i] ?? 64 }
      const built = i === 0 ? this.#machine.buildControlDomain(plan) : this.#machine.buildGuest(plan)
      this.#guests.set(built.domid, new RawGuest(this.#machine, built, vcpus))
    }
    this.shape = { domids: [...this.#guests.keys()], vcpus, maxPort, wordBits, portsBefore }
    this.reset()
  }

  /** As new, for another schedule. */
  reset(): void {
    for (const domid of this.shape.domids) this.#machine.calls.eventControl.reset(domid as Domid, domid as Domid)
    for (const guest of this.#guests.values()) guest.reset()
  }

  perform({ caller, call }: EventCall): EventAnswer {
    try {
      return this.#perform(caller as Domid, call)
    } catch (error) {
      if (XenError.is(error)) return error.code
      throw error
    }
  }

  observe(domid: number, port: number): ObservedPort {
    const { channels } = this.#machine.calls
    const {
      is,
      vcpu,
      remoteDomid = 0,
      remotePort = 0,
      virq = 0,
    } = channels.status(domid as Domid, domid as Domid, port as Port)
    return { is, vcpu, remoteDomid, remotePort, virq, ...this.#guests.get(domid)!.bitsOf(port as Port) }
  }

  isDue(domid: number, vcpu: number): boolean {
    return this.#guests.get(domid)!.isDue(vcpu)
  }

  #perform(caller: Domid, call: EventCall['call']): EventAnswer {
    const { channels, eventControl } = this.#machine.calls
    const guest = this.#guests.get(caller)!
    switch (call.op) {
      case 'allocUnbound':
        return channels.allocUnbound(caller, call.domid as Domid, call.remoteDomid as Domid)
      case 'bindInterdomain':
        return channels.bindInterdomain(caller, call.remoteDomid as Domid, call.remotePort as Port)
      case 'bindVirq':
        return channels.bindVirq(caller, call.virq as Virq, call.vcpu)
      case 'bindIpi':
        return channels.bindIpi(caller, call.vcpu)
      case 'bindVcpu':
        return channels.bindVcpu(caller, call.port as Port, call.vcpu) as undefined
      case 'close':
      case 'send':
      case 'unmask':
        return channels[call.op](caller, call.port as Port) as undefined
      case 'setPriority':
        return eventControl.setPriority(caller, call.port as Port, call.priority) as undefined
      case 'reset':
        eventControl.reset(caller, call.domid as Domid)
        return guest.forgetFifo() as undefined
      case 'initControl':
        return guest.initControl(call.vcpu, call.place)
      case 'expandArray':
        return guest.expandArray(call.place)
      case 'serve':
        return guest.serve(call.vcpu)
      case 'raiseVirq':
        return channels.raiseVirq(DOMID_XEN, caller, call.virq as Virq, call.vcpu) as undefined
      default:
        return guest[call.op](call.port as Port)
    }
  }
}
