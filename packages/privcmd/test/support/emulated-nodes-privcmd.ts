import { type Domid, FlatMemory, PAGE_BYTES, type Port } from '@split-driver/abi'
import type { Inspection, PortInspection } from '@split-driver/emulator'
import type { DomainStates } from '@split-driver/platform'
import type { MappedRange } from '@split-driver/privcmd'
import type { Addresses } from './emulated-nodes-addresses.js'
import { IoctlArgument, ioctlNumber } from './emulated-nodes-argument.js'
import { NodeFile, type PageRange } from './emulated-nodes-file.js'
import { RevocableMemory } from './emulated-nodes-memory.js'
import { kernelErrno, refused } from './emulated-nodes-refusal.js'

/** @see xen/sys/privcmd.h */
const HYPERCALL = ioctlNumber('P', 0, 48)
/** @see xen.h __HYPERVISOR_* */
const EVENT_CHANNEL_OP = 32
const SYSCTL = 35
/** @see event_channel.h EVTCHNOP_status, EVTCHNSTAT_* */
const STATUS = 5
const STATUS_BYTES = 24
const STATES: Readonly<Record<PortInspection['is'], number>> = { unbound: 1, interdomain: 2, virq: 4, ipi: 5 }
/** @see sysctl.h XEN_SYSCTL_getdomaininfolist, XEN_SYSCTL_INTERFACE_VERSION of Xen 4.17 */
const GETDOMAININFOLIST = 6
const INTERFACE_VERSION = 0x15
const SYSCTL_BYTES = 136
const DOMAIN_INFO_BYTES = 96
/** More than any test's machine has. */
const DOMIDS = 32

/** /dev/xen/privcmd, of whose hypercalls a XenStore daemon needs two: the list of domains, each with its flags, and a port's state. */
export class PrivcmdFile extends NodeFile {
  readonly #addresses: Addresses
  readonly #states: DomainStates
  readonly #inspection: Inspection | undefined

  constructor(path: string, addresses: Addresses, states: DomainStates, inspection: Inspection | undefined) {
    super(path)
    this.#addresses = addresses
    this.#states = states
    this.#inspection = inspection
  }

  ioctl(request: number, bytes: Uint8Array): number {
    if (request !== HYPERCALL) throw refused('ENOTTY', `${this.path} has no request ${request.toString(16)}`)
    const call = new IoctlArgument(bytes, 48)
    if (call.u64(0) === EVENT_CHANNEL_OP && call.u64(8) === STATUS) return this.#tellStatus(call.u64(16))
    if (call.u64(0) !== SYSCTL) throw refused('ENOSYS', `hypercall ${call.u64(0)}`)
    const sysctl = new IoctlArgument(this.#addresses.bytes(BigInt(call.u64(8)), SYSCTL_BYTES), SYSCTL_BYTES)
    if (sysctl.u32(4) !== INTERFACE_VERSION) throw refused('EACCES', 'another version of the interface')
    if (sysctl.u32(0) !== GETDOMAININFOLIST) throw refused('ENOSYS', `sysctl ${sysctl.u32(0)}`)
    sysctl.setU32(24, this.#list(sysctl))
    return 0
  }

  protected release(): void {}

  #tellStatus(address: number): number {
    const status = new IoctlArgument(this.#addresses.bytes(BigInt(address), STATUS_BYTES), STATUS_BYTES)
    const port = this.#inspection?.port(status.u16(0) as Domid, status.u32(4) as Port)
    status.setU32(8, port === undefined ? 0 : STATES[port.is])
    status.setU32(16, port?.remoteDomid ?? 0)
    status.setU32(20, port?.remotePort ?? 0)
    return 0
  }

  /** @returns how many were written; one at a time will do */
  #list(sysctl: IoctlArgument): number {
    for (let domid = sysctl.u16(8); domid < DOMIDS; domid++) {
      const flags = this.#flags(domid as Domid)
      if (flags === undefined) continue
      const info = new IoctlArgument(
        this.#addresses.bytes(BigInt(sysctl.u64(16)), DOMAIN_INFO_BYTES),
        DOMAIN_INFO_BYTES,
      )
      info.setU32(0, domid)
      info.setU32(4, flags)
      return 1
    }
    return 0
  }

  /** @see domctl.h XEN_DOMINF_dying, XEN_DOMINF_shutdown */
  #flags(domid: Domid): number | undefined {
    try {
      const state = this.#states.stateOf(domid)
      return state && { running: 0, dying: 1, shutdown: 4 }[state]
    } catch (error) {
      throw kernelErrno(error)
    }
  }
}

/** /dev/xen/hypercall: memory that hypercalls may point to. */
export class HypercallFile extends NodeFile {
  readonly #mapped = new Map<MappedRange, RevocableMemory>()

  ioctl(): number {
    throw refused('ENOTTY', `${this.path} takes no requests`)
  }

  override mapPages({ count }: PageRange): MappedRange {
    const memory = new RevocableMemory(FlatMemory.allocate(count * PAGE_BYTES))
    const range = { byteLength: count * PAGE_BYTES, memory: memory.memory }
    this.#mapped.set(range, memory)
    return range
  }

  protected override unmapped(range: MappedRange): void {
    this.#mapped.get(range)?.revoke()
    this.#mapped.delete(range)
  }

  protected release(): void {}
}
