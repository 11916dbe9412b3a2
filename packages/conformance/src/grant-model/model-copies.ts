import { DOMID_SELF, type Domid, type GrantRef } from '@split-driver/abi'
import { type GrantCopy, GrantCopyFlag, type GrantCopyPointer, GrantStatus } from '@split-driver/grant'
import { type Extent, type ModelTable, wholePage } from './model-table.js'
import type { ModelUses, Use } from './model-uses.js'

/** What a copy needs of the machine around it. */
export interface CopySurroundings {
  readonly uses: ModelUses
  table(domid: Domid): ModelTable | undefined
  owns(domid: Domid, frame: number): boolean
  page(frame: number): Uint8Array
}

interface End {
  readonly frame: number
  readonly extent: Extent
  /** Undefined for a frame of the caller's own. */
  readonly use: Use | undefined
}

const isEnd = (answer: End | GrantStatus): answer is End => typeof answer !== 'number'

const fits = (offset: number, length: number, extent: Extent): boolean =>
  offset >= extent.offset && offset + length <= extent.offset + extent.length

/** GNTTABOP_copy in words of the header: which bytes may be read and written, and which are moved. */
export class ModelCopies {
  readonly #around: CopySurroundings

  constructor(around: CopySurroundings) {
    this.#around = around
  }

  copy(caller: ModelTable, { source, dest, len, flags }: GrantCopy): GrantStatus {
    const fromRef = (flags & GrantCopyFlag.sourceGref) !== 0
    const toRef = (flags & GrantCopyFlag.destGref) !== 0
    for (const [end, isRef] of [
      [source, fromRef],
      [dest, toRef],
    ] as const) {
      if (!isRef && end.domid !== DOMID_SELF) return GrantStatus.GNTST_permission_denied
      if (!this.#tableOf(caller, end)) return GrantStatus.GNTST_bad_domain
    }
    const from = this.#claim(caller, source, fromRef, true)
    if (!isEnd(from)) return from
    const to = this.#claim(caller, dest, toRef, false)
    const status = isEnd(to) ? this.#move(from, source.offset, to, dest.offset, len) : to
    if (isEnd(to)) this.#letGo(to)
    this.#letGo(from)
    return status
  }

  #move(from: End, source: number, to: End, dest: number, length: number): GrantStatus {
    if (source + length > 4096 || dest + length > 4096) return GrantStatus.GNTST_bad_copy_arg
    if (!fits(source, length, from.extent) || !fits(dest, length, to.extent)) return GrantStatus.GNTST_general_error
    const bytes = this.#around.page(from.frame).slice(source, source + length)
    this.#around.page(to.frame).set(bytes, dest)
    return GrantStatus.GNTST_okay
  }

  #claim(caller: ModelTable, end: GrantCopyPointer, isRef: boolean, readonly: boolean): End | GrantStatus {
    if (isRef) return this.#use(this.#tableOf(caller, end)!, end.at as GrantRef, caller.domid, readonly, true)
    if (!this.#around.owns(caller.domid, end.at)) return GrantStatus.GNTST_bad_page
    return { frame: end.at, extent: wholePage, use: undefined }
  }

  #use(table: ModelTable, ref: GrantRef, user: Domid, readonly: boolean, mayLead: boolean): End | GrantStatus {
    const { uses } = this.#around
    const begun = uses.begin(table, ref, user, readonly, true)
    if (typeof begun === 'number') return begun
    const { through } = table.meaning(ref)
    let found: { frame: number; extent: Extent; through?: Use } | GrantStatus = GrantStatus.GNTST_general_error
    if (!through) found = this.#page(table, ref, begun === 'looked')
    else if (mayLead) found = this.#follow(table, ref, through, readonly)
    if (typeof found === 'number') {
      uses.dropMarks(table, ref, readonly)
      return found
    }
    const use: Use = { granter: table.domid, ref, user, by: 'host', readonly, through: undefined, ...found }
    uses.add(use)
    return { frame: found.frame, extent: found.extent, use }
  }

  #page(table: ModelTable, ref: GrantRef, looked: boolean): { frame: number; extent: Extent } | GrantStatus {
    const { frame, extent } = table.meaning(ref)
    if (looked && !this.#around.owns(table.domid, frame)) return GrantStatus.GNTST_bad_page
    const [other] = this.#around.uses.of(table, ref)
    if (!other) return { frame, extent }
    if (!this.#around.owns(table.domid, other.frame)) return GrantStatus.GNTST_bad_domain
    const differs = extent.offset !== other.extent.offset || extent.length !== other.extent.length
    const contradicts = frame !== other.frame || (other.extent.isSubPage && (!extent.isSubPage || differs))
    return looked && contradicts ? GrantStatus.GNTST_general_error : { frame: other.frame, extent: other.extent }
  }

  #follow(
    table: ModelTable,
    ref: GrantRef,
    target: { domid: Domid; ref: GrantRef },
    readonly: boolean,
  ): { frame: number; extent: Extent; through: Use } | GrantStatus {
    const { uses } = this.#around
    const source = this.#around.table(target.domid)
    if (!source || source === table) return GrantStatus.GNTST_general_error
    const end = this.#use(source, target.ref, table.domid, readonly, false)
    if (!isEnd(end)) return end
    const [other] = uses.of(table, ref)
    const same =
      other?.through?.granter === source.domid &&
      other.through.ref === target.ref &&
      other.frame === end.frame &&
      other.extent.offset === end.extent.offset &&
      other.extent.length === end.extent.length
    if (!other || same) return { frame: end.frame, extent: { ...end.extent, isSubPage: true }, through: end.use! }
    this.#letGo(end)
    return GrantStatus.GNTST_eagain
  }

  #letGo({ use }: End): void {
    if (!use) return
    const { uses } = this.#around
    uses.end(this.#around.table(use.granter)!, use)
    if (use.through) uses.end(this.#around.table(use.through.granter)!, use.through)
  }

  #tableOf(caller: ModelTable, { domid }: GrantCopyPointer): ModelTable | undefined {
    return domid === DOMID_SELF ? caller : this.#around.table(domid)
  }
}
