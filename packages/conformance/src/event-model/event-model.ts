import { DOMID_SELF, NR_VIRQS } from '@split-driver/abi'
import type { EventCall, EventOperation, EventWorldShape } from './event-operation.js'
import { closedChannel, type ModelChannel, ModelDomain } from './model-domain.js'

/** What a call answers: a port, the ports that were delivered, an errno, or nothing. */
export type EventAnswer = number | readonly number[] | string | undefined

const PER_VCPU_VIRQS = [0, 1, 7, 13]
const LOWEST_PRIORITY = 15

type Of<O extends EventOperation['op']> = Extract<EventOperation, { readonly op: O }>

/** Xen's event channels as event_channel.h and Xen 4.17 have them, written for reading: one call after the other. */
export class EventModel {
  readonly #domains: Map<number, ModelDomain>

  constructor({ domids, vcpus, maxPort, wordBits = [] }: EventWorldShape) {
    const domain = (domid: number, i: number) =>
      new ModelDomain({ domid, vcpus, maxPort, privileged: i === 0, wordBits: wordBits[i] ?? 64 })
    this.#domains = new Map(domids.map((domid, i) => [domid, domain(domid, i)]))
  }

  domain(domid: number): ModelDomain {
    return this.#domains.get(domid)!
  }

  perform({ caller, call }: EventCall): EventAnswer {
    const self = this.domain(caller)
    switch (call.op) {
      case 'allocUnbound':
        return this.#allocUnbound(self, call)
      case 'bindInterdomain':
        return this.#bindInterdomain(self, call)
      case 'bindVirq':
        return this.#bindVirq(self, call)
      case 'bindIpi':
        return call.vcpu >= self.vcpus ? 'ENOENT' : this.#open(self, { is: 'ipi', vcpu: call.vcpu })
      case 'bindVcpu':
        return this.#bindVcpu(self, call)
      case 'close':
        return this.#isOpen(self, call.port) ? this.#close(self, call.port) : 'EINVAL'
      case 'send':
        return this.#send(self, call.port)
      case 'unmask':
        if (!self.channel(call.port)) return 'EINVAL'
        return this.#isOpen(self, call.port) ? self.unmask(call.port) : undefined
      case 'setPriority':
        return this.#setPriority(self, call)
      case 'reset':
        return this.#reset(self, call)
      case 'initControl':
        return this.#initControl(self, call)
      case 'expandArray':
        return this.#expandArray(self, call)
      default:
        return this.#outsideOfHypercalls(self, call)
    }
  }

  #outsideOfHypercalls(self: ModelDomain, call: EventOperation): EventAnswer {
    switch (call.op) {
      case 'raiseVirq':
        return this.#raiseVirq(self, call)
      case 'serve':
        return call.vcpu >= self.vcpus ? [] : self.serve(call.vcpu)
      case 'mask':
        return self.covers(call.port) ? self.mask(call.port) : undefined
      case 'clearMask':
        return self.covers(call.port) ? self.clearMask(call.port) : undefined
      default:
        return undefined
    }
  }

  #allocUnbound(self: ModelDomain, call: Of<'allocUnbound'>): EventAnswer {
    const owner = this.#named(self, call.domid)
    if (!owner) return 'ESRCH'
    if (owner !== self && !self.privileged) return 'EPERM'
    return this.#open(owner, {
      is: 'unbound',
      remoteDomid: call.remoteDomid === DOMID_SELF ? self.domid : call.remoteDomid,
    })
  }

  #bindInterdomain(self: ModelDomain, { remoteDomid, remotePort }: Of<'bindInterdomain'>): EventAnswer {
    const peer = this.#named(self, remoteDomid)
    if (!peer) return 'ESRCH'
    const port = self.lowestFree()
    if (port === 0) return 'ENOSPC'
    const remote = peer.channel(remotePort)
    // A port that is being opened is none that waits, though it is the domain's own.
    if (remote?.is !== 'unbound' || remote.remoteDomid !== self.domid) return 'EINVAL'
    this.#open(self, { is: 'interdomain', remoteDomid: peer.domid, remotePort })
    Object.assign(remote, { is: 'interdomain', remotePort: port })
    self.raise(port)
    return port
  }

  #bindVirq(self: ModelDomain, { virq, vcpu }: Of<'bindVirq'>): EventAnswer {
    if (virq < 0 || virq >= NR_VIRQS) return 'EINVAL'
    const isGlobal = !PER_VCPU_VIRQS.includes(virq)
    if (isGlobal && vcpu !== 0) return 'EINVAL'
    if (vcpu >= self.vcpus) return 'ENOENT'
    if (this.#portOfVirq(self, virq, vcpu) > 0) return 'EEXIST'
    return this.#open(self, { is: 'virq', virq, vcpu })
  }

  #bindVcpu(self: ModelDomain, { port, vcpu }: Of<'bindVcpu'>): EventAnswer {
    if (vcpu >= self.vcpus) return 'ENOENT'
    const channel = self.channel(port)
    if (!channel || channel.is === 'closed' || channel.is === 'ipi') return 'EINVAL'
    if (channel.is === 'virq' && PER_VCPU_VIRQS.includes(channel.virq)) return 'EINVAL'
    channel.vcpu = vcpu
    return undefined
  }

  #send(self: ModelDomain, port: number): EventAnswer {
    const channel = self.channel(port)
    if (!channel || channel.is === 'closed' || channel.is === 'virq') return 'EINVAL'
    if (channel.is === 'interdomain') this.domain(channel.remoteDomid).raise(channel.remotePort)
    if (channel.is === 'ipi') self.raise(port)
    return undefined
  }

  #close(self: ModelDomain, port: number): undefined {
    const channel = self.channel(port)!
    if (channel.is === 'interdomain') {
      const remote = this.domain(channel.remoteDomid).channel(channel.remotePort)!
      Object.assign(remote, { is: 'unbound', remotePort: 0 })
    }
    self.forget(port)
    Object.assign(channel, closedChannel())
  }

  #setPriority(self: ModelDomain, { port, priority }: Of<'setPriority'>): EventAnswer {
    const channel = self.channel(port)
    if (!channel) return 'EINVAL'
    if (self.abi === 'two-level') return 'ENOSYS'
    if (channel.is === 'closed') return 'EACCES'
    if (priority > LOWEST_PRIORITY) return 'EINVAL'
    channel.priority = priority
    return undefined
  }

  #reset(self: ModelDomain, call: Of<'reset'>): EventAnswer {
    const owner = this.#named(self, call.domid)
    if (!owner) return 'ESRCH'
    if (owner !== self) return self.privileged ? 'EINVAL' : 'EPERM' // Nobody is paused here.
    for (const port of self.channels.keys()) if (this.#isOpen(self, port)) this.#close(self, port)
    self.chooseTwoLevel()
    return undefined
  }

  #initControl(self: ModelDomain, { vcpu, place }: Of<'initControl'>): EventAnswer {
    if (vcpu >= self.vcpus) return 'ENOENT'
    if (place !== 'own page' || self.hasControl(vcpu)) return 'EINVAL'
    self.chooseFifo(vcpu)
    return undefined
  }

  #expandArray(self: ModelDomain, { place }: Of<'expandArray'>): EventAnswer {
    if (self.abi === 'two-level') return 'EOPNOTSUPP'
    if (self.isArrayFull) return 'ENOSPC'
    return place === 'own page' ? self.addPage() : 'EINVAL'
  }

  #raiseVirq(self: ModelDomain, { virq, vcpu }: Of<'raiseVirq'>): undefined {
    if (vcpu >= self.vcpus) return
    const port = this.#portOfVirq(self, virq, vcpu)
    if (port > 0) self.raise(port)
  }

  /** −1 if it is not bound. */
  #portOfVirq(self: ModelDomain, virq: number, vcpu: number): number {
    const isPerVcpu = PER_VCPU_VIRQS.includes(virq)
    return self.channels.findIndex((of) => of.is === 'virq' && of.virq === virq && (!isPerVcpu || of.vcpu === vcpu))
  }

  #open(owner: ModelDomain, as: Partial<ModelChannel>): EventAnswer {
    const port = owner.lowestFree()
    if (port === 0) return 'ENOSPC'
    Object.assign(owner.channel(port)!, closedChannel(), as)
    return port
  }

  #isOpen(owner: ModelDomain, port: number): boolean {
    const channel = owner.channel(port)
    return channel !== undefined && channel.is !== 'closed'
  }

  #named(self: ModelDomain, domid: number): ModelDomain | undefined {
    return domid === DOMID_SELF ? self : this.#domains.get(domid)
  }
}
