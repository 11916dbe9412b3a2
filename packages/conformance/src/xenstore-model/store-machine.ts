import {
  DOM0,
  type Domid,
  FlatMemory,
  type GrantRef,
  PAGE_BYTES,
  type Port,
  type Virq,
  XenError,
} from '@split-driver/abi'
import type { EventChannels, InheritedPorts } from '@split-driver/evtchn'
import type { GrantMapper, Mapping } from '@split-driver/grant'
import type { DomainState } from '@split-driver/platform'

interface FakePort {
  readonly domid: Domid
  readonly remotePort: Port
  readonly virq?: Virq
  handler: ((port: Port) => void) | undefined
  masked: boolean
  pending: boolean
}

/**
 * The least of a machine that a XenStore server can tell from a real one: it keeps a ledger, delivers in microtasks, holds
 * a delivered port back until `eoi`, and hands each domain's events to its page's owner.
 */
export class StoreMachine {
  readonly pages = new Map<Domid, FlatMemory>()
  readonly mappings = new Set<Mapping>()
  /** What each domain's front end wants to be told. */
  readonly onNotify = new Map<Domid, () => void>()
  deliveries = 0
  /** Called just before each delivery. */
  onDelivery: (() => void) | undefined
  eois = 0
  readonly #ports = new Map<Port, FakePort>()
  /** Those of them that are bound to a domain: with a hundred of them, looking for one would be most of an event. */
  readonly #portsTo = new Map<Domid, Map<Port, FakePort>>()
  #lastPort = 0
  /** Makes the next of its kind fail. */
  failing: 'map' | 'bind' | 'listen' | undefined
  /** What `domainStates` says; a domain that is not here does not exist. */
  readonly states = new Map<Domid, DomainState>()
  /** What `domainStates` calls the life of a domain that exists, where a test says more than its domid. */
  readonly uuids = new Map<Domid, string>()
  readonly domainStates = {
    stateOf: (domid: Domid) => this.states.get(domid),
    uuidOf: (domid: Domid) => (this.states.has(domid) ? (this.uuids.get(domid) ?? `life of ${domid}`) : undefined),
  }

  /** A domain with a ring page. */
  addDomain(domid: Domid): FlatMemory {
    const page = FlatMemory.allocate(PAGE_BYTES)
    this.pages.set(domid, page)
    return page
  }

  /** What is still open: a mapping or a port each. */
  ledger(): string[] {
    return [
      ...[...this.mappings].map(({ remoteDomid }) => `page of domain ${remoteDomid}`),
      ...[...this.#ports].map(
        ([port, { domid, virq }]) => `port ${port} to ${virq ? `VIRQ ${virq}` : `domain ${domid}`}`,
      ),
    ]
  }

  /**
   * The process that serves becomes another program: no page is mapped any more, nobody listens, and ports stay bound.
   * @returns by what that takes up the ports
   */
  execute(): InheritedPorts {
    this.mappings.clear()
    const left = new Map(this.#ports)
    for (const entry of left.values()) entry.handler = undefined
    return {
      adopt: (domid, port) => {
        const entry = this.#ports.get(port)
        if (entry === undefined || entry.virq !== undefined || entry.domid !== domid)
          throw new XenError('EINVAL', `port ${port} does not lead to domain ${domid}`)
        if (!left.delete(port)) throw new XenError('EEXIST', `port ${port} has been taken up`)
        entry.masked = false
        entry.pending = true
        return entry.remotePort
      },
    }
  }

  /** The domain at the other end raises its event. */
  raise(domid: Domid): void {
    for (const [port, entry] of this.#portsTo.get(domid) ?? []) {
      entry.pending = true
      this.#deliver(port, entry)
    }
  }

  /** The machine raises a virtual interrupt. */
  raiseVirq(virq: Virq): void {
    for (const [port, entry] of this.#ports) {
      if (entry.virq !== virq) continue
      entry.pending = true
      this.#deliver(port, entry)
    }
  }

  readonly mapper = {
    map: (remoteDomid: Domid, refs: readonly GrantRef[], access: 'read-only' | 'writable'): Mapping => {
      const page = this.pages.get(remoteDomid)
      if (this.failing === 'map' || page === undefined || refs[0] !== 1 || access !== 'writable')
        throw new XenError('GNTST_bad_gntref', 'no such grant')
      const mapping: Mapping = { remoteDomid, access, refs, memory: page, page: () => page }
      this.mappings.add(mapping)
      return mapping
    },
    unmap: (mapping: Mapping): void => {
      if (!this.mappings.delete(mapping)) throw new XenError('GNTST_bad_handle', 'not mapped')
    },
  } as Partial<GrantMapper> as GrantMapper

  readonly events = {
    bindInterdomain: (domid: Domid, remotePort: Port): Port => {
      if (this.failing === 'bind') throw new XenError('EINVAL', 'that port is not for us')
      this.#lastPort += 1
      const port = this.#lastPort as Port
      const entry: FakePort = { domid, remotePort, handler: undefined, masked: false, pending: true }
      this.#ports.set(port, entry)
      this.#portsTo.set(domid, (this.#portsTo.get(domid) ?? new Map<Port, FakePort>()).set(port, entry))
      return port
    },
    bindVirq: (virq: Virq): Port => {
      if ([...this.#ports.values()].some((entry) => entry.virq === virq)) throw new XenError('EEXIST', 'bound already')
      this.#lastPort += 1
      const port = this.#lastPort as Port
      const entry = { domid: DOM0, remotePort: 0 as Port, virq, handler: undefined, masked: false, pending: false }
      this.#ports.set(port, entry)
      return port
    },
    notify: (port: Port): void => {
      const entry = this.#entry(port)
      queueMicrotask(() => this.onNotify.get(entry.domid)?.())
    },
    listen: (port: Port, handler: (port: Port) => void): void => {
      if (this.failing === 'listen') throw new XenError('EBUSY', 'has a listener')
      const entry = this.#entry(port)
      entry.handler = handler
      this.#deliver(port, entry)
    },
    eoi: (port: Port): void => {
      const entry = this.#entry(port)
      if (!entry.masked) throw new Error('eoi without a delivery')
      this.eois += 1
      entry.masked = false
      this.#deliver(port, entry)
    },
    unbind: (port: Port): void => {
      this.#portsTo.get(this.#entry(port).domid)?.delete(port)
      this.#ports.delete(port)
    },
  } as Partial<EventChannels> as EventChannels

  #entry(port: Port): FakePort {
    const entry = this.#ports.get(port)
    if (entry === undefined) throw new XenError('EINVAL', `port ${port} is not bound`)
    return entry
  }

  #deliver(port: Port, entry: FakePort): void {
    queueMicrotask(() => {
      if (!entry.pending || entry.masked || entry.handler === undefined || !this.#ports.has(port)) return
      entry.pending = false
      entry.masked = true
      this.deliveries += 1
      this.onDelivery?.()
      entry.handler(port)
    })
  }
}
