import { type Domid, type GrantRef, PAGE_WORDS, type Port } from '@split-driver/abi'
import { type GrantAccess, GrantFlag } from '@split-driver/grant'
import { EventPorts } from './hypervisor/event-ports.js'
import { EventSignals } from './hypervisor/event-signals.js'
import { GrantCalls } from './hypervisor/grant-calls.js'
import { emptyGranted } from './hypervisor/grant-entries.js'
import { DOMID_XEN, type Hypervisor } from './hypervisor/hypervisor.js'
import { ChannelState, channelRecord } from './hypervisor/machine-layout.js'
import type { Machine } from './machine.js'

/** One port of a domain, and whether an event of it is under way. */
export interface PortInspection {
  readonly port: Port
  readonly is: 'unbound' | 'interdomain' | 'virq' | 'ipi'
  /** The other end's domain; of an unbound port, the one that may bind it. */
  readonly remoteDomid: Domid
  /** 0 unless interdomain. */
  readonly remotePort: Port
  readonly pending: boolean
  /** Between delivery and end of interrupt, and while nobody listens. */
  readonly masked: boolean
}

/** One who has a granted page mapped. */
export interface GrantHolder {
  readonly domid: Domid
  readonly access: GrantAccess
}

/** One grant: to whom, and who makes use of it. */
export interface GrantInspection {
  readonly ref: GrantRef
  readonly remoteDomid: Domid
  readonly access: GrantAccess
  /** One entry a mapping. */
  readonly holders: readonly GrantHolder[]
}

const CHANNELS = new Map<number, PortInspection['is']>([
  [ChannelState.Unbound, 'unbound'],
  [ChannelState.Interdomain, 'interdomain'],
  [ChannelState.Virq, 'virq'],
  [ChannelState.Ipi, 'ipi'],
])

/**
 * A look at what the hypervisor knows of a machine's domains, for those who have to find out why something does not move.
 * It changes nothing. Each answer holds for one moment; what it tells of a guest's pages is what the guest has put there.
 */
export class Inspection {
  readonly #xen: Hypervisor
  readonly #signals: EventSignals
  readonly #ports: EventPorts
  readonly #grants: GrantCalls

  constructor({ xen }: Machine) {
    this.#xen = xen
    this.#signals = new EventSignals(xen)
    this.#ports = new EventPorts(xen, this.#signals)
    this.#grants = new GrantCalls(xen)
  }

  /** @returns undefined if the port is not open, or there is no such domain */
  port(domid: Domid, port: Port): PortInspection | undefined {
    return this.#look(domid, (record) => {
      const channel = this.#ports.find(record, port)
      const is = channel < 0 ? undefined : CHANNELS.get(this.#ports.get(channel, channelRecord.state))
      if (is === undefined) return undefined
      return {
        port,
        is,
        remoteDomid: this.#ports.get(channel, channelRecord.remoteDomid) as Domid,
        remotePort: (is === 'interdomain' ? this.#ports.get(channel, channelRecord.remotePort) : 0) as Port,
        pending: this.#signals.isPending(record, port),
        masked: this.#signals.isMasked(record, port),
      }
    })
  }

  /** Every grant of the domain's, in the order of the references; none if there is no such domain. */
  grants(domid: Domid): GrantInspection[] {
    const holders = this.#holdersOf(domid)
    const grants = this.#look(domid, (record) =>
      this.#grants.listGranted(domid).map((ref) => {
        const header = Atomics.load(this.#xen.memory.words, this.#grants.entries.wordOf(record, ref))
        const access: GrantAccess = header & GrantFlag.readonly ? 'read-only' : 'writable'
        return { ref, remoteDomid: (header >>> 16) as Domid, access, holders: holders.get(ref) ?? [] }
      }),
    )
    return grants ?? []
  }

  /**
   * A private copy of the words of granted pages, one after the other.
   * @returns undefined if one of the references grants no page of the domain's own
   */
  copyGranted(domid: Domid, refs: readonly GrantRef[]): Int32Array | undefined {
    return this.#look(domid, (record) => {
      const frames = refs.map((ref) => this.#frameOf(domid, record, ref))
      if (!frames.every((frame) => frame !== undefined)) return undefined
      const copy = new Int32Array(refs.length * PAGE_WORDS)
      frames.forEach((frame, page) => {
        const { words } = this.#xen.memory
        copy.set(words.subarray(frame * PAGE_WORDS, (frame + 1) * PAGE_WORDS), page * PAGE_WORDS)
      })
      return copy
    })
  }

  /** A guest can write any frame number into its table: it must be its own. */
  #frameOf(domid: Domid, record: number, ref: GrantRef): number | undefined {
    const { entries } = this.#grants
    if (!entries.has(record, ref) || entries.flags(record, ref) === 0) return undefined
    const granted = emptyGranted()
    entries.fetch(record, ref, granted)
    return !granted.isTransitive && this.#xen.frames.isOwnedBy(granted.frame, domid) ? granted.frame : undefined
  }

  /** Domain by domain, so that nobody waits for the lock while all are looked through. */
  #holdersOf(granter: Domid): Map<GrantRef, GrantHolder[]> {
    const holders = new Map<GrantRef, GrantHolder[]>()
    for (const domid of this.#domains())
      this.#look(domid, () => {
        for (const held of this.#grants.listHeld(domid)) {
          if (held.granter !== granter) continue
          holders.set(held.ref, [...(holders.get(held.ref) ?? []), { domid, access: held.access }])
        }
      })
    return holders
  }

  #domains(): Domid[] {
    this.#xen.enter(DOMID_XEN)
    try {
      return this.#xen.domains.list()
    } finally {
      this.#xen.leave()
    }
  }

  #look<T>(domid: Domid, look: (record: number) => T): T | undefined {
    this.#xen.enter(DOMID_XEN)
    try {
      const record = this.#xen.domains.find(domid)
      return record < 0 ? undefined : look(record)
    } finally {
      this.#xen.leave()
    }
  }
}
