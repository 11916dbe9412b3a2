import { DOMID_SELF, type Domid, type GrantRef, PAGE_BYTES } from '@split-driver/abi'
import { type GrantCopy, GrantCopyFlag, type GrantCopyPointer, GrantStatus } from '@split-driver/grant'
import { emptyGranted, type GrantEntries, type Granted } from './grant-entries.js'
import { type GrantPins, Pin } from './grant-pins.js'
import type { Hypervisor } from './hypervisor.js'
import { DomainState, domainRecord } from './machine-layout.js'

/** Bytes of a page. */
type Extent = Pick<Granted, 'isSubPage' | 'offset' | 'length'>

const wholePage: Extent = { isSubPage: false, offset: 0, length: PAGE_BYTES }

/** One end of a copy while it is under way. */
class CopyEnd implements Extent {
  /** The grant of the page; record −1 if it is a frame of the caller's own. */
  record = -1
  ref = 0 as GrantRef
  /** The transitive grant before it; record −1 if there is none. */
  viaRecord = -1
  viaRef = 0 as GrantRef
  frame = 0
  isSubPage = false
  /** Which bytes of the page may be touched. */
  offset = 0
  length = PAGE_BYTES
  readonly granted = emptyGranted()

  set(record: number, ref: GrantRef, frame: number, { isSubPage, offset, length }: Extent): void {
    this.record = record
    this.ref = ref
    this.viaRecord = -1
    this.frame = frame
    this.isSubPage = isSubPage
    this.offset = offset
    this.length = length
  }

  holds(offset: number, length: number): boolean {
    return offset >= this.offset && offset + length <= this.offset + this.length
  }
}

const pinOf = (readonly: boolean): number => (readonly ? Pin.hostReader : Pin.hostWriter)

/**
 * Copying between granted pages, and between them and the caller's own. What a copy needs it has pinned only as long as it
 * lasts, under one hold of the lock. Callers hold the lock.
 * @see xen/common/grant_table.c gnttab_copy_one, acquire_grant_for_copy
 */
export class GrantCopies {
  readonly #xen: Hypervisor
  readonly #entries: GrantEntries
  readonly #pins: GrantPins
  readonly #source = new CopyEnd()
  readonly #dest = new CopyEnd()

  constructor(xen: Hypervisor, entries: GrantEntries, pins: GrantPins) {
    this.#xen = xen
    this.#entries = entries
    this.#pins = pins
  }

  /** One GNTTABOP_copy. */
  copy(caller: Domid, { source, dest, len, flags }: GrantCopy): GrantStatus {
    const sourceIsRef = (flags & GrantCopyFlag.sourceGref) !== 0
    const destIsRef = (flags & GrantCopyFlag.destGref) !== 0
    const unlockable = this.#judgeDomain(caller, source, sourceIsRef) || this.#judgeDomain(caller, dest, destIsRef)
    if (unlockable !== GrantStatus.GNTST_okay) return unlockable
    const claimed = this.#claim(caller, source, sourceIsRef, this.#source, true)
    if (claimed !== GrantStatus.GNTST_okay) return claimed
    let status = this.#claim(caller, dest, destIsRef, this.#dest, false)
    if (status === GrantStatus.GNTST_okay) {
      status = this.#move(source.offset, dest.offset, len)
      this.#release(this.#dest, false)
    }
    this.#release(this.#source, true)
    return status
  }

  /** Copies between a granted page and private memory of the caller's, which belongs to no frame. */
  copyPrivate(
    caller: Domid,
    granter: Domid,
    ref: GrantRef,
    offset: number,
    own: Uint8Array,
    direction: 'from' | 'to',
  ): GrantStatus {
    if (!isRange(offset, own.length)) return GrantStatus.GNTST_bad_copy_arg
    const record = this.#granter(granter)
    if (record < 0) return GrantStatus.GNTST_bad_domain
    const readonly = direction === 'from'
    const end = this.#source
    const status = this.#acquire(end, record, ref, caller, readonly, undefined)
    if (status !== GrantStatus.GNTST_okay) return status
    const inside = end.holds(offset, own.length)
    const { bytes } = this.#xen.memory
    const at = end.frame * PAGE_BYTES + offset
    if (inside && readonly) own.set(bytes.subarray(at, at + own.length))
    else if (inside) bytes.set(own, at)
    this.#release(end, readonly)
    return inside ? GrantStatus.GNTST_okay : GrantStatus.GNTST_general_error
  }

  #judgeDomain(caller: Domid, { domid }: GrantCopyPointer, isRef: boolean): GrantStatus {
    if (!isRef && domid !== DOMID_SELF) return GrantStatus.GNTST_permission_denied
    return this.#granter(domid === DOMID_SELF ? caller : domid) < 0
      ? GrantStatus.GNTST_bad_domain
      : GrantStatus.GNTST_okay
  }

  #claim(caller: Domid, { at, domid }: GrantCopyPointer, isRef: boolean, end: CopyEnd, readonly: boolean): GrantStatus {
    if (isRef) {
      const record = this.#granter(domid === DOMID_SELF ? caller : domid)
      return this.#acquire(end, record, at as GrantRef, caller, readonly, readonly ? undefined : this.#source)
    }
    if (!Number.isInteger(at) || at < 0 || !this.#xen.frames.isOwnedBy(at, caller)) return GrantStatus.GNTST_bad_page
    end.set(-1, 0 as GrantRef, at, wholePage)
    return GrantStatus.GNTST_okay
  }

  #move(from: number, to: number, length: number): GrantStatus {
    if (!isRange(from, length) || !isRange(to, length)) return GrantStatus.GNTST_bad_copy_arg
    if (!this.#source.holds(from, length) || !this.#dest.holds(to, length)) return GrantStatus.GNTST_general_error
    const at = this.#source.frame * PAGE_BYTES + from
    this.#xen.memory.bytes.copyWithin(this.#dest.frame * PAGE_BYTES + to, at, at + length)
    return GrantStatus.GNTST_okay
  }

  /**
   * @param other the end of the same copy that is held already: no other copy's pins can be met
   * @param isLast no further grant may be passed on
   */
  #acquire(
    end: CopyEnd,
    record: number,
    ref: GrantRef,
    domid: Domid,
    readonly: boolean,
    other: CopyEnd | undefined,
    isLast = false,
  ): GrantStatus {
    const judged = this.#pins.judge(record, ref, domid, pinOf(readonly))
    if (judged !== GrantStatus.GNTST_okay) return judged
    const needsMark = this.#pins.needsMark(record, ref, readonly)
    if (needsMark) {
      const marked = this.#pins.mark(record, ref, domid, readonly, 'copy')
      if (marked !== GrantStatus.GNTST_okay) return marked
    }
    this.#entries.fetch(record, ref, end.granted)
    const { isTransitive } = end.granted
    let status: GrantStatus = GrantStatus.GNTST_general_error
    if (!isTransitive) status = this.#acquirePage(end, record, ref, domid, needsMark, other)
    else if (!isLast) status = this.#acquireThrough(end, record, ref, domid, readonly, other)
    if (status !== GrantStatus.GNTST_okay) this.#pins.reduceMarks(record, ref, readonly)
    else this.#pins.add(record, ref, pinOf(readonly))
    return status
  }

  /** A grant of a page, or of bytes of it. */
  #acquirePage(
    end: CopyEnd,
    record: number,
    ref: GrantRef,
    domid: Domid,
    isMarked: boolean,
    other: CopyEnd | undefined,
  ): GrantStatus {
    const { domains, frames } = this.#xen
    const { granted } = end
    const owner = domains.get(record, domainRecord.domid) as Domid
    if (isMarked && !frames.isOwnedBy(granted.frame, owner)) return GrantStatus.GNTST_bad_page
    if (this.#pins.pins(record, ref) === 0) {
      this.#pins.begin(record, ref, domid, granted.frame)
      end.set(record, ref, granted.frame, granted)
      return GrantStatus.GNTST_okay
    }
    const frame = this.#pins.frameOf(record, ref)
    if (!frames.isOwnedBy(frame, owner)) return GrantStatus.GNTST_bad_domain
    if (isMarked && frame !== granted.frame) return GrantStatus.GNTST_general_error
    // In use by the copy's other end, or else by mappings, which are of whole pages.
    const held = other?.record === record && other.ref === ref ? other : wholePage
    if (isMarked && held.isSubPage && !(granted.isSubPage && sameBytes(held, granted)))
      return GrantStatus.GNTST_general_error
    end.set(record, ref, frame, held)
    return GrantStatus.GNTST_okay
  }

  /** A grant that passes on what another domain granted to the granter. It cannot be passed on twice. */
  #acquireThrough(
    end: CopyEnd,
    record: number,
    ref: GrantRef,
    domid: Domid,
    readonly: boolean,
    other: CopyEnd | undefined,
  ): GrantStatus {
    const { transDomid, transRef } = end.granted
    const granter = this.#xen.domains.get(record, domainRecord.domid) as Domid
    const source = this.#granter(transDomid)
    if (transDomid === granter || source < 0) return GrantStatus.GNTST_general_error
    const status = this.#acquire(end, source, transRef, granter, readonly, other, true)
    if (status !== GrantStatus.GNTST_okay) return status
    const isFirst = this.#pins.pins(record, ref) === 0
    const isOther = other?.viaRecord === record && other.viaRef === ref && other.frame === end.frame
    if (isFirst) this.#pins.begin(record, ref, domid, end.frame)
    else if (!isOther || !sameBytes(other, end)) {
      // In use as something else than what it says now: only its user can change that, by letting go.
      this.#release(end, readonly)
      return GrantStatus.GNTST_eagain
    }
    end.viaRecord = record
    end.viaRef = ref
    return GrantStatus.GNTST_okay
  }

  #release(end: CopyEnd, readonly: boolean): void {
    if (end.viaRecord >= 0) this.#pins.unpin(end.viaRecord, end.viaRef, pinOf(readonly), readonly)
    if (end.record >= 0) this.#pins.unpin(end.record, end.ref, pinOf(readonly), readonly)
    end.viaRecord = -1
    end.record = -1
  }

  #granter(domid: Domid): number {
    const { domains } = this.#xen
    const record = domains.find(domid)
    return record >= 0 && domains.get(record, domainRecord.state) < DomainState.Dying ? record : -1
  }
}

const isRange = (offset: number, length: number): boolean =>
  Number.isInteger(offset) && Number.isInteger(length) && offset >= 0 && length >= 0 && offset + length <= PAGE_BYTES

const sameBytes = (a: Extent, b: Extent): boolean => a.offset === b.offset && a.length === b.length
