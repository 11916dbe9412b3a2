import { DOM0, type Domid, type GrantRef, type Port, type Virq, XenError } from '@split-driver/abi'
import type { EmulatedHost } from '@split-driver/emulator'
import type { EventChannels, EventOutcome } from '@split-driver/evtchn'
import type { GrantAccess, GrantCopyEnd, GrantMapper, GrantSharer, Mapping } from '@split-driver/grant'
import type { Capabilities, Clock, Platform, Timer } from '@split-driver/platform'
import { type ByteChannel, channelPair, XenStoreClient } from '@split-driver/xenbus'

/**
 * One process of the control domain: its own connection to XenStore, and ports and mappings that its kernel takes back when
 * it is killed. What its code does after that reaches nobody.
 */
export class Dom0Process implements Platform {
  readonly domid = DOM0
  readonly events: ProcessEvents
  readonly sharer: GrantSharer
  readonly mapper: ProcessMapper
  readonly xenstore: XenStoreClient
  readonly clock: ProcessClock
  readonly supports: Capabilities
  #alive = true

  /** @param accept hands the far end of a connection to the XenStore daemon */
  constructor({ dom0, machine }: EmulatedHost, accept: (channel: ByteChannel) => void) {
    const [theirs, ours] = channelPair()
    accept(theirs)
    this.clock = new ProcessClock(dom0.clock)
    this.xenstore = new XenStoreClient(ours, { clock: this.clock, random: machine.random })
    this.events = new ProcessEvents(dom0.events)
    this.mapper = new ProcessMapper(dom0.mapper)
    this.sharer = dom0.sharer
    this.supports = dom0.supports
  }

  get alive(): boolean {
    return this.#alive
  }

  /** What it holds that its kernel would have to take back, one line for each. */
  holdings(): string[] {
    return [...this.events.holdings(), ...this.mapper.holdings()]
  }

  /** As SIGKILL does. Idempotent. */
  kill(): void {
    if (!this.#alive) return
    this.#alive = false
    this.clock.kill()
    this.events.kill()
    this.mapper.kill()
    this.xenstore.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill()
  }
}

const gone = (): XenError => new XenError('ESRCH', 'the process was killed')

class ProcessEvents implements EventChannels {
  readonly #below: EventChannels
  readonly #ports = new Set<Port>()
  #alive = true

  constructor(below: EventChannels) {
    this.#below = below
  }

  holdings(): string[] {
    return [...this.#ports].map((port) => `port ${port}`)
  }

  kill(): void {
    this.#alive = false
    for (const port of this.#ports) this.#below.unbind(port)
    this.#ports.clear()
  }

  bindUnboundPort(remoteDomid: Domid): Port {
    return this.#opened(() => this.#below.bindUnboundPort(remoteDomid))
  }

  bindInterdomain(remoteDomid: Domid, remotePort: Port): Port {
    return this.#opened(() => this.#below.bindInterdomain(remoteDomid, remotePort))
  }

  bindVirq(virq: Virq): Port {
    return this.#opened(() => this.#below.bindVirq(virq))
  }

  bindIpi(): Port {
    return this.#opened(() => this.#below.bindIpi())
  }

  notify(port: Port): void {
    if (this.#alive) this.#below.notify(port)
  }

  listen(port: Port, handler: (port: Port) => void): void {
    if (this.#alive) this.#below.listen(port, handler)
  }

  eoi(port: Port, outcome?: EventOutcome): void {
    if (this.#alive) this.#below.eoi(port, outcome)
  }

  mask(port: Port): void {
    if (this.#alive) this.#below.mask(port)
  }

  unmask(port: Port): void {
    if (this.#alive) this.#below.unmask(port)
  }

  unbind(port: Port): void {
    if (!this.#alive) return
    this.#ports.delete(port)
    this.#below.unbind(port)
  }

  #opened(open: () => Port): Port {
    if (!this.#alive) throw gone()
    const port = open()
    this.#ports.add(port)
    return port
  }
}

class ProcessMapper implements GrantMapper {
  readonly #below: GrantMapper
  readonly #mappings = new Set<Mapping>()
  #alive = true

  constructor(below: GrantMapper) {
    this.#below = below
  }

  holdings(): string[] {
    return [...this.#mappings].map(({ remoteDomid, refs }) => `grants ${refs.join()} of domain ${remoteDomid}`)
  }

  kill(): void {
    this.#alive = false
    for (const mapping of this.#mappings) this.#below.unmap(mapping)
    this.#mappings.clear()
  }

  map(remoteDomid: Domid, refs: readonly GrantRef[], access: GrantAccess): Mapping {
    if (!this.#alive) throw gone()
    const mapping = this.#below.map(remoteDomid, refs, access)
    this.#mappings.add(mapping)
    return mapping
  }

  unmap(mapping: Mapping): void {
    if (this.#mappings.delete(mapping)) this.#below.unmap(mapping)
  }

  copyFrom(remoteDomid: Domid, source: GrantCopyEnd, target: Uint8Array): void {
    if (!this.#alive) throw gone()
    this.#below.copyFrom(remoteDomid, source, target)
  }

  copyTo(remoteDomid: Domid, source: Uint8Array, target: GrantCopyEnd): void {
    if (!this.#alive) throw gone()
    this.#below.copyTo(remoteDomid, source, target)
  }
}

class ProcessClock implements Clock {
  readonly #below: Clock
  #alive = true

  constructor(below: Clock) {
    this.#below = below
  }

  kill(): void {
    this.#alive = false
  }

  now(): number {
    return this.#below.now()
  }

  setTimer(milliseconds: number, callback: () => void): Timer {
    return this.#below.setTimer(milliseconds, () => {
      if (this.#alive) callback()
    })
  }
}
