import type { Domid, GrantRef } from '@split-driver/abi'
import { GrantFlag, GrantStatus } from '@split-driver/grant'
import type { Extent, ModelTable } from './model-table.js'

/** A grant is in use: by one part of a mapping, or by one end of a copy. */
export interface Use {
  readonly granter: Domid
  readonly ref: GrantRef
  readonly user: Domid
  readonly by: 'host' | 'device'
  readonly readonly: boolean
  readonly frame: number
  readonly extent: Extent
  /** Of a grant that passes on another: the use of that one. */
  readonly through: Use | undefined
}

/** All that is in use in the whole machine, as a list. What is in an entry's marks follows from it, one step at a time. */
export class ModelUses {
  readonly #uses: Use[] = []

  of(table: ModelTable, ref: GrantRef): Use[] {
    return this.#uses.filter((use) => use.granter === table.domid && use.ref === ref)
  }

  anyOf(table: ModelTable, from: number): boolean {
    return this.#uses.some((use) => use.granter === table.domid && use.ref >= from)
  }

  count(table: ModelTable, ref: GrantRef, by: Use['by'], readonly: boolean): number {
    let count = 0
    for (const use of this.#uses)
      if (use.ref === ref && use.granter === table.domid && use.by === by && use.readonly === readonly) count++
    return count
  }

  /**
   * May `user` begin to use the entry, and does it say so itself? Marks it if that is needed.
   * @returns whether the entry had to be looked at
   */
  begin(
    table: ModelTable,
    ref: GrantRef,
    user: Domid,
    readonly: boolean,
    copies: boolean,
  ): GrantStatus | 'looked' | 'known' {
    if (!table.has(ref)) return GrantStatus.GNTST_bad_gntref
    const others = this.of(table, ref)
    if (others.some((use) => use.user !== user)) return GrantStatus.GNTST_general_error
    const hasWriter = others.some((use) => !use.readonly)
    if (others.length > 0 && (readonly || hasWriter)) return 'known'
    const { flags, domid, through } = table.meaning(ref)
    const isAccess = (flags & GrantFlag.typeMask) === GrantFlag.permitAccess
    const suits = copies ? isAccess || through !== undefined : isAccess && (flags & GrantFlag.subPage) === 0
    if (others.length === 0 && !(suits && domid === user)) return GrantStatus.GNTST_general_error
    if (!readonly && flags & GrantFlag.readonly) return GrantStatus.GNTST_general_error
    table.setMarks(ref, table.marks(ref) | GrantFlag.reading | (readonly ? 0 : GrantFlag.writing))
    return 'looked'
  }

  add(...uses: readonly Use[]): void {
    this.#uses.push(...uses)
  }

  end(table: ModelTable, use: Use): void {
    this.#uses.splice(this.#uses.indexOf(use), 1)
    this.dropMarks(table, use.ref, use.readonly)
  }

  /** A use has ended, or did not come about: marks that no use needs any more are taken off. */
  dropMarks(table: ModelTable, ref: GrantRef, readonly: boolean): void {
    const left = this.of(table, ref)
    let marks = table.marks(ref)
    if (left.length === 0) marks &= ~GrantFlag.reading
    if (!readonly && left.every((use) => use.readonly)) marks &= ~GrantFlag.writing
    table.setMarks(ref, marks)
  }
}
