import { DOMID_SELF, type Domid, type FrameNumber, type GrantRef, PAGE_BYTES } from '@split-driver/abi'
import { Machine } from '@split-driver/emulator'
import {
  GrantCopyFlag,
  GrantFlag,
  type GrantFramesAnswer,
  GrantMapFlag,
  GrantStatus,
  type GrantTable,
  GrantTableV1,
  GrantTableV2,
} from '@split-driver/grant'
import type { DomainSize } from '../../src/hypervisor/domain-calls.js'
import { domainRecord } from '../../src/hypervisor/machine-layout.js'

/** Names of statuses, so that a failed test is readable. */
export const nameOf = (status: GrantStatus): string =>
  Object.entries(GrantStatus).find(([, number]) => number === status)?.[0] ?? String(status)

export const names = (statuses: readonly GrantStatus[]): string[] => statuses.map(nameOf)

/** Where tests map pages: any address will do, so long as unmapping names the same. */
export const HOST = 0x7000_0000

/** A domain that makes its grant-table hypercalls by itself, beside a table of its own. */
export class GrantDomain {
  readonly domid: Domid
  readonly table: GrantTable
  readonly op
  readonly #machine: Machine
  readonly #memory: number

  constructor(machine: Machine, domid: Domid, version: 1 | 2) {
    this.#machine = machine
    this.domid = domid
    this.op = machine.attach(domid, { grantVersion: version }).hypercalls.grantTable
    this.table = this.open(version)
    this.#memory = machine.xen.domains.get(machine.xen.domains.record(domid), domainRecord.memory)
  }

  /** The table with the pages that it has now. */
  open(version: 1 | 2): GrantTableV1 | GrantTableV2 {
    const { nrFrames } = this.op.querySize(DOMID_SELF)
    const pages = ({ frameList }: GrantFramesAnswer) => frameList.map((frame) => this.op.page(frame))
    const frames = pages(this.op.setupTable({ dom: DOMID_SELF, nrFrames }))
    if (version === 1) return new GrantTableV1(frames)
    const statuses = pages(this.op.getStatusFrames({ dom: DOMID_SELF, nrFrames: Math.ceil(nrFrames / 8) }))
    return new GrantTableV2(frames, statuses)
  }

  get v2(): GrantTableV2 {
    if (this.table instanceof GrantTableV2) return this.table
    throw new TypeError('a table of version 1')
  }

  /** One of the domain's own pages, far from those of the start of day. */
  frame(index: number): FrameNumber {
    return (this.#memory + 16 + index) as FrameNumber
  }

  bytes(index: number): Uint8Array {
    const at = this.frame(index) * PAGE_BYTES
    return this.#machine.memory.bytes.subarray(at, at + PAGE_BYTES)
  }

  /** Grants page `index` by reference 8 + index. */
  grant(to: { domid: Domid }, index: number, access: 'read-only' | 'writable' = 'writable'): GrantRef {
    const ref = (8 + index) as GrantRef
    this.table.grantAccess(ref, to.domid, this.frame(index), access)
    return ref
  }

  map(dom: Domid, ref: GrantRef, flags: number = GrantMapFlag.hostMap, hostAddr = HOST) {
    return this.op.mapGrantRef([{ dom, ref, flags, hostAddr }])[0]!
  }

  unmap(handle: number, hostAddr = HOST, devBusAddr = 0): string {
    return nameOf(this.op.unmapGrantRef([{ handle, hostAddr, devBusAddr }])[0]!)
  }

  /** Maps, and tells what came of it; what was mapped is let go again. */
  tryMap(dom: Domid, ref: number, flags: number = GrantMapFlag.hostMap, hostAddr = HOST): string {
    const { status, handle, devBusAddr } = this.map(dom, ref as GrantRef, flags, hostAddr)
    if (status === GrantStatus.GNTST_okay) this.unmap(handle, hostAddr, devBusAddr)
    return nameOf(status)
  }

  /** Copies between grants; a number in place of a pair is a frame of this domain's. */
  copy(source: GrantEnd | FrameNumber, dest: GrantEnd | FrameNumber, len: number, from = 0, to = 0): string {
    const end = (place: GrantEnd | FrameNumber, offset: number) =>
      typeof place === 'number'
        ? { at: place, domid: DOMID_SELF, offset }
        : { at: place[1] as GrantRef, domid: place[0].domid, offset }
    const flags =
      (typeof source === 'number' ? 0 : GrantCopyFlag.sourceGref) |
      (typeof dest === 'number' ? 0 : GrantCopyFlag.destGref)
    return nameOf(this.op.copy([{ source: end(source, from), dest: end(dest, to), len, flags }])[0]!)
  }

  /** The marks that stand on an entry. */
  marks(ref: GrantRef): number {
    return this.table.query(ref).flags & (GrantFlag.reading | GrantFlag.writing)
  }
}

export type GrantEnd = readonly [{ readonly domid: Domid }, number]

/** A machine with a control domain and two guests, whose tables are of this version. */
export const grantDomains = (version: 1 | 2 = 1, size: DomainSize = {}) => {
  const machine = Machine.create({ memoryMiB: 32, maxDomains: 8 })
  const [dom0, a, b] = [machine.buildControlDomain(size), machine.buildGuest(size), machine.buildGuest(size)].map(
    ({ domid }) => new GrantDomain(machine, domid, version),
  ) as [GrantDomain, GrantDomain, GrantDomain]
  const pins = (owner: GrantDomain, ref: GrantRef) => machine.calls.grants.useCounts(owner.domid, ref)
  return { machine, dom0, a, b, pins }
}
