import { DOMID_SELF, type Domid, type GrantRef, PAGE_BYTES } from '@split-driver/abi'
import {
  type CacheFlush,
  GrantCacheFlag,
  type GrantCopy,
  GrantFlag,
  GrantMapFlag,
  GrantStatus,
  type MapGrantRef,
  type SwapGrantRef,
  type TransferFrame,
  type UnmapGrantRef,
} from '@split-driver/grant'
import { ModelCopies } from './model-copies.js'
import { type ModelTable, wholePage } from './model-table.js'
import { ModelUses, type Use } from './model-uses.js'

/** A mapping, as its holder knows it. */
export interface ModelMapping {
  readonly holder: Domid
  readonly handle: number
  readonly hostAddr: number
  readonly frame: number
  host: Use | undefined
  device: Use | undefined
}

const isRead = (flags: number): boolean => (flags & GrantMapFlag.readonly) !== 0

/**
 * Grant tables as lists: of entries, of mappings, of uses. Every call answers what the hypervisor must answer.
 * @see xen/include/public/grant_table.h; rules 67 to 72
 */
export class GrantModel {
  readonly uses = new ModelUses()
  readonly mappings: ModelMapping[] = []
  readonly tables: readonly ModelTable[]
  readonly #pages = new Map<number, Uint8Array>()
  readonly #copies = new ModelCopies(this)

  constructor(tables: readonly ModelTable[]) {
    this.tables = tables
    for (const { ownFrames } of tables)
      for (const frame of ownFrames) this.#pages.set(frame, new Uint8Array(PAGE_BYTES))
  }

  table(domid: Domid): ModelTable | undefined {
    return this.tables.find((table) => table.domid === domid)
  }

  owns(domid: Domid, frame: number): boolean {
    return this.tables.some((table) => table.domid === domid && table.ownFrames.some((own) => own === frame))
  }

  page(frame: number): Uint8Array {
    return this.#pages.get(frame)!
  }

  /** @param handle what the hypervisor gave out, if it did @returns the status, and the bus address */
  map(caller: ModelTable, { flags, dom, ref, hostAddr }: MapGrantRef, handle: number): [GrantStatus, number] {
    const refused = (status: GrantStatus): [GrantStatus, number] => [status, 0]
    if ((flags & (GrantMapFlag.hostMap | GrantMapFlag.deviceMap)) === 0) return refused(GrantStatus.GNTST_bad_gntref)
    const table = this.table(dom)
    if (!table) return refused(GrantStatus.GNTST_bad_domain)
    const readonly = isRead(flags)
    const begun = this.uses.begin(table, ref, caller.domid, readonly, false)
    if (typeof begun === 'number') return refused(begun)
    const frame = this.uses.of(table, ref)[0]?.frame ?? table.meaning(ref).frame
    const isThere = this.owns(dom, frame)
    if (!isThere || (flags & GrantMapFlag.hostMap && flags & GrantMapFlag.containsPte)) {
      this.uses.dropMarks(table, ref, readonly)
      return refused(isThere ? GrantStatus.GNTST_general_error : GrantStatus.GNTST_bad_page)
    }
    const use = (by: Use['by']): Use => ({
      granter: dom,
      ref,
      user: caller.domid,
      by,
      readonly,
      frame,
      extent: wholePage,
      through: undefined,
    })
    const host = flags & GrantMapFlag.hostMap ? use('host') : undefined
    const device = flags & GrantMapFlag.deviceMap ? use('device') : undefined
    this.uses.add(...[host, device].filter((one) => one !== undefined))
    this.mappings.push({ holder: caller.domid, handle, hostAddr, frame, host, device })
    return [GrantStatus.GNTST_okay, frame * PAGE_BYTES]
  }

  unmap(caller: ModelTable, { handle, hostAddr, devBusAddr }: UnmapGrantRef): GrantStatus {
    const mapping = this.mappings.find((one) => one.holder === caller.domid && one.handle === handle)
    if (!mapping) return GrantStatus.GNTST_bad_handle
    const endsDevice = devBusAddr !== 0 && mapping.device !== undefined
    const endsHost = hostAddr !== 0 && mapping.host !== undefined
    if (endsDevice && devBusAddr !== mapping.frame * PAGE_BYTES) return GrantStatus.GNTST_bad_dev_addr
    if (endsHost && hostAddr !== mapping.hostAddr) return GrantStatus.GNTST_general_error
    for (const [part, ends] of [
      ['host', endsHost],
      ['device', endsDevice],
    ] as const) {
      const use = mapping[part]
      if (!ends || !use) continue
      mapping[part] = undefined
      this.uses.end(this.table(use.granter)!, use)
    }
    if (!mapping.host && !mapping.device) this.mappings.splice(this.mappings.indexOf(mapping), 1)
    return GrantStatus.GNTST_okay
  }

  copy(caller: ModelTable, op: GrantCopy): GrantStatus {
    return this.#copies.copy(caller, op)
  }

  swap(caller: ModelTable, { refA, refB }: SwapGrantRef): GrantStatus {
    if (!caller.has(refA) || !caller.has(refB)) return GrantStatus.GNTST_bad_gntref
    if (refA === refB) return GrantStatus.GNTST_okay
    if (this.uses.of(caller, refA).length + this.uses.of(caller, refB).length > 0) return GrantStatus.GNTST_eagain
    caller.swap(refA, refB)
    return GrantStatus.GNTST_okay
  }

  transfer(caller: ModelTable, { mfn }: TransferFrame): GrantStatus {
    return this.owns(caller.domid, mfn) ? GrantStatus.GNTST_general_error : GrantStatus.GNTST_bad_page
  }

  /** @returns the error's code, or undefined */
  setVersion(caller: ModelTable, version: number): string | undefined {
    if (version !== 1 && version !== 2) return 'EINVAL'
    if (version === caller.version) return undefined
    if (this.uses.anyOf(caller, 8)) return 'EBUSY'
    if (version === 1 && !caller.fitsVersion1) return 'ERANGE'
    caller.setVersion(version)
    return undefined
  }

  /** Whose table the caller means, if it may. */
  tableFor(caller: ModelTable, dom: Domid): ModelTable | GrantStatus {
    const table = dom === DOMID_SELF ? caller : this.table(dom)
    if (!table) return GrantStatus.GNTST_bad_domain
    return table === caller || caller.isPrivileged ? table : GrantStatus.GNTST_permission_denied
  }

  setupTable(table: ModelTable, nrFrames: number): GrantStatus {
    if (nrFrames > table.maxFrames) return GrantStatus.GNTST_general_error
    table.frames = Math.max(table.frames, nrFrames)
    return GrantStatus.GNTST_okay
  }

  /** The guest itself takes access back. @returns whether it has ended */
  endAccess(table: ModelTable, ref: GrantRef): boolean {
    const ended = table.marks(ref) === 0
    if (table.version === 2) table.setFlags(ref, ended ? 0 : table.flags(ref) & GrantFlag.readonly)
    else if (ended) table.setFlags(ref, 0)
    return ended
  }

  /** @returns the error's code, or undefined */
  cacheFlush(caller: ModelTable, { devBusAddr, offset, length, op }: CacheFlush): string | undefined {
    if (offset + length > PAGE_BYTES || offset >= PAGE_BYTES || op > (GrantCacheFlag.clean | GrantCacheFlag.inval))
      return 'EINVAL'
    if (length === 0 || op === 0) return undefined
    const frame = devBusAddr / PAGE_BYTES
    const owner = this.tables.find((table) => this.owns(table.domid, frame))
    if (!owner) return 'EPERM'
    const isUsed = this.mappings.some(
      (one) => one.holder === caller.domid && one.frame === frame && this.owns(owner.domid, frame),
    )
    if (owner !== caller && !isUsed) return 'EINVAL'
    return op === GrantCacheFlag.inval ? 'EOPNOTSUPP' : undefined
  }
}
