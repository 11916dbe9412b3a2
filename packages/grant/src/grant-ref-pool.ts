import { type GrantRef, XenError } from '@split-driver/abi'
import { GRANT_RESERVED_ENTRIES } from './grant-entry.js'

/** Which entries of a grant table are free. The newest released one is claimed first: its page is likely still warm. */
export class GrantRefPool {
  readonly #free: GrantRef[] = []
  /** By reference: 1 while it is claimed. Reserved ones never are. */
  #claimed = new Uint8Array(0)
  readonly #grow: () => number

  /**
   * @param entryCount how many entries the table has; the first 8 are the toolstack's (rule 67)
   * @param grow asked when none is left: makes the table larger and tells by how many entries, 0 if it cannot
   */
  constructor(entryCount: number, grow: () => number = () => 0) {
    this.#grow = grow
    this.#extend(entryCount)
  }

  /** How many can be claimed before the table must grow. */
  get available(): number {
    return this.#free.length
  }

  /** How many are claimed. */
  get claimedCount(): number {
    return Math.max(0, this.#claimed.length - GRANT_RESERVED_ENTRIES) - this.#free.length
  }

  /** Makes the table larger until `count` can be claimed. @returns whether they can */
  reserve(count: number): boolean {
    while (this.#free.length < count) {
      const entries = this.#grow()
      if (entries === 0) return false
      this.#extend(entries)
    }
    return true
  }

  /** @throws XenError ENOSPC */
  claim(): GrantRef {
    if (this.#free.length === 0) this.#extend(this.#grow())
    const ref = this.#free.pop()
    if (ref === undefined)
      throw new XenError('ENOSPC', `all ${this.#claimed.length} grant references are in use`, {
        detail: { entryCount: this.#claimed.length },
      })
    this.#claimed[ref] = 1
    return ref
  }

  /** @throws RangeError if `ref` is not claimed: it is somebody else's, or was released before */
  release(ref: GrantRef): void {
    if (this.#claimed[ref] !== 1) throw new RangeError(`grant reference ${ref} is not claimed`)
    this.#claimed[ref] = 0
    this.#free.push(ref)
  }

  #extend(entries: number): void {
    const first = this.#claimed.length
    const claimed = new Uint8Array(first + entries)
    claimed.set(this.#claimed)
    this.#claimed = claimed
    for (let ref = claimed.length - 1; ref >= Math.max(first, GRANT_RESERVED_ENTRIES); ref--)
      this.#free.push(ref as GrantRef)
  }
}
