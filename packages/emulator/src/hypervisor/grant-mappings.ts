import { type Domid, type GrantRef, PAGE_BYTES } from '@split-driver/abi'
import { type GrantHandle, GrantMapFlag, GrantStatus } from '@split-driver/grant'
import { type GrantPins, Pin } from './grant-pins.js'
import type { Hypervisor } from './hypervisor.js'
import { DomainState, domainRecord, maptrackRecord } from './machine-layout.js'
import type { Maptrack } from './maptrack.js'

/** Most pages that addresses of this machine can tell apart. */
const ADDRESSES = 2 ** 32 * PAGE_BYTES

/**
 * Mapping and unmapping one grant. The machine has no page tables: an address is only a name, which unmapping must give as
 * mapping did. A device's mapping is a count and a bus address, as on a machine without an I/O MMU. Callers hold the lock.
 * @see xen/common/grant_table.c map_grant_ref, unmap_common
 */
export class GrantMappings {
  readonly #xen: Hypervisor
  readonly #words: Int32Array
  readonly #pins: GrantPins
  readonly #maptrack: Maptrack

  constructor(xen: Hypervisor, pins: GrantPins, maptrack: Maptrack) {
    this.#xen = xen
    this.#words = xen.memory.words
    this.#pins = pins
    this.#maptrack = maptrack
  }

  /** @returns the mapping's handle, or a negative GNTST_* status */
  map(caller: number, granter: Domid, ref: GrantRef, flags: number, hostAddr: number): number {
    const { domains } = this.#xen
    const increment = incrementOf(flags)
    if (increment === 0) return GrantStatus.GNTST_bad_gntref
    const record = domains.find(granter)
    if (record < 0 || domains.get(record, domainRecord.state) >= DomainState.Dying) return GrantStatus.GNTST_bad_domain
    const handle = this.#maptrack.claim(caller)
    if (handle < 0) return GrantStatus.GNTST_no_space
    const readonly = (flags & GrantMapFlag.readonly) !== 0
    const domid = domains.get(caller, domainRecord.domid) as Domid
    const frame = this.#pins.pinForMapping(record, ref, domid, increment, readonly)
    if (frame < 0) {
      this.#maptrack.release(caller, handle)
      return frame
    }
    if (flags & GrantMapFlag.hostMap && !isHostAddress(hostAddr, flags)) {
      this.#pins.unpin(record, ref, increment, readonly)
      this.#maptrack.release(caller, handle)
      return GrantStatus.GNTST_general_error
    }
    const word = this.#xen.tables.maptrack.wordOf(caller, handle)
    this.#words[word + maptrackRecord.flags] = (flags & 0xffff) | (granter << 16)
    this.#words[word + maptrackRecord.ref] = ref
    this.#words[word + maptrackRecord.frame] = frame
    this.#words[word + maptrackRecord.hostPage] = pageOf(hostAddr)
    return handle
  }

  /** Ends those parts of a mapping whose address is not 0; with the last of them, the mapping. */
  unmap(caller: number, handle: GrantHandle, hostAddr: number, devBusAddr: number): GrantStatus {
    const word = this.#maptrack.find(caller, handle)
    if (word < 0) return GrantStatus.GNTST_bad_handle
    const words = this.#words
    const flags = words[word + maptrackRecord.flags]! & 0xffff
    const device = devBusAddr !== 0 ? flags & GrantMapFlag.deviceMap : 0
    const host = hostAddr !== 0 ? flags & GrantMapFlag.hostMap : 0
    if (device && devBusAddr !== words[word + maptrackRecord.frame]! * PAGE_BYTES) return GrantStatus.GNTST_bad_dev_addr
    if (host && pageOf(hostAddr) !== words[word + maptrackRecord.hostPage]) return GrantStatus.GNTST_general_error
    this.#end(caller, handle, word, device | host)
    return GrantStatus.GNTST_okay
  }

  /** Ends all of a mapping. @returns whether there was one */
  unmapWhole(caller: number, handle: GrantHandle): boolean {
    const word = this.#maptrack.find(caller, handle)
    if (word < 0) return false
    this.#end(caller, handle, word, GrantMapFlag.deviceMap | GrantMapFlag.hostMap)
    return true
  }

  #end(caller: number, handle: GrantHandle, word: number, parts: number): void {
    const words = this.#words
    const flags = words[word + maptrackRecord.flags]!
    const readonly = flags & GrantMapFlag.readonly
    const ended = incrementOf((flags & parts) | readonly)
    const granter = this.#xen.domains.record((flags >>> 16) as Domid)
    const ref = (words[word + maptrackRecord.ref]! >>> 0) as GrantRef
    words[word + maptrackRecord.flags] = flags & ~parts
    if ((flags & ~parts & (GrantMapFlag.deviceMap | GrantMapFlag.hostMap)) === 0) this.#maptrack.release(caller, handle)
    if (ended !== 0) this.#pins.unpin(granter, ref, ended, readonly !== 0)
  }
}

/** Which counts of a grant a mapping stands in. */
const incrementOf = (flags: number): number => {
  const readonly = flags & GrantMapFlag.readonly
  const device = flags & GrantMapFlag.deviceMap ? (readonly ? Pin.deviceReader : Pin.deviceWriter) : 0
  const host = flags & GrantMapFlag.hostMap ? (readonly ? Pin.hostReader : Pin.hostWriter) : 0
  return device + host
}

/** No page of this machine is a page table, so none holds the entry that GNTMAP_contains_pte would alter. */
const isHostAddress = (hostAddr: number, flags: number): boolean =>
  (flags & GrantMapFlag.containsPte) === 0 && hostAddr >= 0 && hostAddr < ADDRESSES

/** As words hold it. */
const pageOf = (hostAddr: number): number => Math.floor(hostAddr / PAGE_BYTES) | 0
