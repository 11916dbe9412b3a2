import { type Domid, type GrantRef, PAGE_BYTES, XenError } from '@split-driver/abi'
import { type CacheFlush, GrantCacheFlag } from '@split-driver/grant'
import type { GrantEntries } from './grant-entries.js'
import type { GrantPins } from './grant-pins.js'
import type { Hypervisor } from './hypervisor.js'

/** Active entries looked at in one hold of the lock. */
const ENTRIES_A_TURN = 4096

const refusal = (code: 'EINVAL' | 'EPERM' | 'EOPNOTSUPP', why: string): XenError =>
  new XenError(code, `the cache cannot be flushed: ${why}`)

/**
 * GNTTABOP_cache_flush, for one range. This machine's memory is coherent: what is left is whether the caller may.
 * @see xen/common/grant_table.c _cache_flush, and for x86 xen/arch/x86/include/asm/flushtlb.h
 */
export class CacheFlushes {
  readonly #xen: Hypervisor
  readonly #entries: GrantEntries
  readonly #pins: GrantPins

  constructor(xen: Hypervisor, entries: GrantEntries, pins: GrantPins) {
    this.#xen = xen
    this.#entries = entries
    this.#pins = pins
  }

  /** @throws XenError EINVAL EPERM EOPNOTSUPP. Takes the lock by itself */
  flush(caller: Domid, { devBusAddr, offset, length, op }: CacheFlush): void {
    const known = (op & ~(GrantCacheFlag.clean | GrantCacheFlag.inval)) === 0
    if (!(offset >= 0 && length >= 0 && offset < PAGE_BYTES && offset + length <= PAGE_BYTES && known))
      throw refusal('EINVAL', `${length} bytes from ${offset}, operation ${op}`)
    if (length === 0 || op === 0) return
    const frame = Math.floor(devBusAddr / PAGE_BYTES)
    const owner = this.#ownerOf(caller, frame)
    if (owner !== caller) this.#requireUse(caller, owner, frame)
    if (op === GrantCacheFlag.inval) throw refusal('EOPNOTSUPP', 'a cache line cannot be dropped on this machine')
  }

  #ownerOf(caller: Domid, frame: number): Domid {
    const xen = this.#xen
    xen.enter(caller)
    try {
      if (!(frame >= 0 && frame < xen.memory.frameCount)) throw refusal('EINVAL', `there is no frame ${frame}`)
      const owner = xen.frames.ownerOf(frame)
      if (owner === undefined) throw refusal('EPERM', `frame ${frame} belongs to no domain`)
      return owner
    } finally {
      xen.leave()
    }
  }

  /** Does the caller use that frame of the owner's through any grant? */
  #requireUse(caller: Domid, owner: Domid, frame: number): void {
    const xen = this.#xen
    for (let ref = 0, more = true; more; ) {
      xen.enter(caller)
      try {
        const record = xen.domains.find(owner)
        const end = record < 0 ? 0 : Math.min(ref + ENTRIES_A_TURN, this.#entries.count(record))
        for (; ref < end; ref++) if (this.#isUsed(record, ref as GrantRef, caller, frame)) return
        more = record >= 0 && ref < this.#entries.count(record)
      } finally {
        xen.leave()
      }
    }
    throw refusal('EINVAL', `frame ${frame} of domain ${owner} is not in use by domain ${caller}`)
  }

  #isUsed(record: number, ref: GrantRef, caller: Domid, frame: number): boolean {
    const pins = this.#pins
    return pins.pins(record, ref) !== 0 && pins.userOf(record, ref) === caller && pins.frameOf(record, ref) === frame
  }
}
