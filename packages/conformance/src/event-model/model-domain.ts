/** What an event channel is, by the words of EVTCHNOP_status. */
export interface ModelChannel {
  is: 'closed' | 'unbound' | 'interdomain' | 'virq' | 'ipi'
  vcpu: number
  remoteDomid: number
  remotePort: number
  virq: number
  priority: number
}

const QUEUES = 16
const DEFAULT_PRIORITY = 7

/** Records that a domain's table has from the start. */
export const FIRST_RECORDS = 128
const FIFO_END = 131_072
/** Words in a page of the FIFO array. */
const PAGE = 1024

export interface ModelDomainPlan {
  readonly domid: number
  readonly vcpus: number
  readonly maxPort: number
  readonly privileged: boolean
  /** One bit of the two-level selector speaks for so many ports, and there are so many bits. */
  readonly wordBits: 32 | 64
}

/** A domain's event channels, without a bit or an atomic operation in sight: sets of ports, and lists for queues. */
export class ModelDomain {
  readonly domid: number
  readonly vcpus: number
  readonly privileged: boolean
  readonly #maxPort: number
  readonly #wordBits: number
  readonly channels: ModelChannel[]
  abi: 'two-level' | 'fifo' = 'two-level'
  /** Upcall pending, by vcpu. */
  readonly due: boolean[]
  readonly #twoLevel: { readonly pending: Set<number>; readonly unmasked: Set<number>; readonly groups: Set<number>[] }
  #fifo = { pending: new Set<number>(), unmasked: new Set<number>(), linked: new Set<number>() }
  /** By vcpu, then priority. */
  #queues: number[][][]
  #pages = 0
  #controls: boolean[]
  /** Raised while there was no word for it. */
  readonly #saved = new Set<number>()

  constructor({ domid, vcpus, maxPort, privileged, wordBits }: ModelDomainPlan) {
    this.domid = domid
    this.vcpus = vcpus
    this.privileged = privileged
    this.#maxPort = maxPort
    this.#wordBits = wordBits
    this.channels = Array.from({ length: maxPort + 2 }, closedChannel)
    const each = <T>(make: () => T) => Array.from({ length: vcpus }, make)
    this.due = each(() => false)
    this.#twoLevel = { pending: new Set(), unmasked: new Set(), groups: each(() => new Set<number>()) }
    this.#queues = each(emptyQueues)
    this.#controls = each(() => false)
  }

  /** The record of what can be a port; undefined beyond the table. Those above `maxPort` stay closed. */
  channel(port: number): ModelChannel | undefined {
    return this.channels[port] ?? (port >= 0 && port < FIRST_RECORDS ? closedChannel() : undefined)
  }

  /** The lowest port that is free and in no queue; 0 if there is none. */
  lowestFree(): number {
    const end = Math.min(this.#maxPort + 1, this.abi === 'fifo' ? FIFO_END : this.#wordBits ** 2)
    for (let port = 1; port < end; port++)
      if (this.channels[port]!.is === 'closed' && !(this.abi === 'fifo' && this.#fifo.linked.has(port))) return port
    return 0
  }

  isPending(port: number): boolean {
    return (this.abi === 'fifo' ? this.#fifo : this.#twoLevel).pending.has(port)
  }

  isMasked(port: number): boolean {
    return !(this.abi === 'fifo' ? this.#fifo : this.#twoLevel).unmasked.has(port)
  }

  /** Does the guest have a word or a bit for this port? */
  covers(port: number): boolean {
    return port > 0 && port < FIRST_RECORDS && (this.abi === 'two-level' || this.#hasWord(port))
  }

  raise(port: number): void {
    const { vcpu, priority } = this.channels[port]!
    if (this.abi === 'two-level') {
      if (this.#twoLevel.pending.has(port)) return
      this.#twoLevel.pending.add(port)
      if (this.#twoLevel.unmasked.has(port)) this.#select(vcpu, port)
    } else if (!this.#hasWord(port)) this.#saved.add(port)
    else if (this.#controls[vcpu]) {
      this.#fifo.pending.add(port)
      if (this.#fifo.unmasked.has(port)) this.#link(port, vcpu, priority)
    }
  }

  /** By the hypervisor, for the guest. */
  unmask(port: number): undefined {
    if (this.abi === 'two-level') {
      if (this.#twoLevel.unmasked.has(port)) return
      this.#twoLevel.unmasked.add(port)
      if (this.#twoLevel.pending.has(port)) this.#select(this.channel(port)!.vcpu, port)
    } else if (this.#hasWord(port)) {
      this.#fifo.unmasked.add(port)
      if (this.#fifo.pending.has(port)) this.raise(port)
    }
  }

  /** By the guest, for a port that it has a word or bit for. */
  mask(port: number): undefined {
    const bits = this.abi === 'fifo' ? this.#fifo : this.#twoLevel
    bits.unmasked.delete(port)
  }

  /** By the guest, which signals a two-level port by itself and asks the hypervisor about a FIFO port that is pending. */
  clearMask(port: number): undefined {
    if (this.abi === 'two-level') {
      this.#twoLevel.unmasked.add(port)
      if (this.#twoLevel.pending.has(port)) this.#select(this.channel(port)!.vcpu, port)
    } else if (this.#fifo.unmasked.has(port)) return
    else if (!this.#fifo.pending.has(port)) this.#fifo.unmasked.add(port)
    else if (this.channel(port)!.is !== 'closed') this.unmask(port)
  }

  forget(port: number): void {
    this.#saved.delete(port)
    if (this.abi === 'fifo') this.#fifo.pending.delete(port)
    else this.#twoLevel.pending.delete(port)
  }

  /** An upcall of this vcpu that is given all the time it needs. @returns what it delivers; in order under FIFO */
  serve(vcpu: number): number[] {
    if (!this.due[vcpu]) return []
    this.due[vcpu] = false
    return this.abi === 'fifo' ? this.#serveQueues(vcpu) : this.#serveGroups(vcpu)
  }

  hasControl(vcpu: number): boolean {
    return this.#controls[vcpu]!
  }

  chooseFifo(vcpu: number): void {
    this.#controls[vcpu] = true
    if (this.abi === 'fifo') return
    for (const [port, channel] of this.channels.entries()) {
      if (channel.is === 'closed') continue
      if (this.#twoLevel.pending.has(port)) this.#saved.add(port)
      else this.#saved.delete(port)
      channel.priority = DEFAULT_PRIORITY
    }
    this.abi = 'fifo'
  }

  addPage(): undefined {
    const first = this.#pages++ * PAGE
    for (const port of [...this.#saved].sort((a, b) => a - b)) {
      if (port < first || port >= first + PAGE) continue
      this.#saved.delete(port)
      this.raise(port)
    }
  }

  get isArrayFull(): boolean {
    return this.#pages * PAGE >= FIFO_END
  }

  chooseTwoLevel(): void {
    if (this.abi === 'two-level') return
    this.abi = 'two-level'
    this.#pages = 0
    this.#fifo = { pending: new Set(), unmasked: new Set(), linked: new Set() }
    this.#queues = this.#queues.map(emptyQueues)
    this.#controls = this.#controls.map(() => false)
  }

  #hasWord(port: number): boolean {
    return port < this.#pages * PAGE
  }

  #select(vcpu: number, port: number): void {
    const groups = this.#twoLevel.groups[vcpu]!
    const group = this.#groupOf(port)
    if (!groups.has(group)) this.due[vcpu] = true
    groups.add(group)
  }

  #groupOf(port: number): number {
    return Math.floor(port / this.#wordBits)
  }

  #link(port: number, vcpu: number, priority: number): void {
    if (this.#fifo.linked.has(port)) return
    this.#fifo.linked.add(port)
    const queue = this.#queues[vcpu]![priority]!
    if (queue.length === 0) this.due[vcpu] = true
    queue.push(port)
  }

  #serveGroups(vcpu: number): number[] {
    const { groups, pending, unmasked } = this.#twoLevel
    const served = [...pending].filter((port) => groups[vcpu]!.has(this.#groupOf(port)) && unmasked.has(port))
    groups[vcpu]!.clear()
    for (const port of served) {
      pending.delete(port)
      unmasked.delete(port)
    }
    return served.sort((a, b) => a - b)
  }

  #serveQueues(vcpu: number): number[] {
    const served: number[] = []
    for (const queue of this.#queues[vcpu]!) {
      for (const port of queue.splice(0)) {
        this.#fifo.linked.delete(port)
        if (!this.#fifo.pending.has(port) || !this.#fifo.unmasked.has(port)) continue
        this.#fifo.pending.delete(port)
        this.#fifo.unmasked.delete(port)
        served.push(port)
      }
    }
    return served
  }
}

export const closedChannel = (): ModelChannel => ({
  is: 'closed',
  vcpu: 0,
  remoteDomid: 0,
  remotePort: 0,
  virq: 0,
  priority: DEFAULT_PRIORITY,
})

const emptyQueues = (): number[][] => Array.from({ length: QUEUES }, () => [])
