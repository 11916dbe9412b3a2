/**
 * Where a disk's bytes live. Positions and lengths are in bytes and multiples of 512; a range never exceeds `byteLength`:
 * the backend has judged the request before it comes here. A store that can answer at once returns nothing, so that no
 * promise is made; otherwise it returns a promise. A rejection becomes an error response, nothing more.
 *
 * What not every store can do is optional: who wants it looks whether it is there.
 */
export interface BlockStore extends AsyncDisposable {
  /** A multiple of `sectorBytes`. It changes only by `refreshSize`. */
  readonly byteLength: number
  /** Logical sector size in bytes: 512, or a multiple of it that is a power of two. */
  readonly sectorBytes: number
  /** Sector size of the medium in bytes, a multiple of `sectorBytes` and equal to it unless given: a hint. */
  readonly physicalSectorBytes?: number
  readonly readOnly: boolean

  /** Fills `targets`, one after the other, from `position` on. */
  read(position: number, targets: readonly Uint8Array[]): void | Promise<void>
  /** Stores `sources`, one after the other, at `position`. It is durable only after a `flush` that began later. */
  write(position: number, sources: readonly Uint8Array[]): void | Promise<void>
  /** Everything that was written, discarded or zeroed before is durable when this is done. */
  flush(): void | Promise<void>

  /** In which pieces `discard` gives space back; absent where it does not. */
  readonly discardUnits?: DiscardUnits
  /**
   * Nobody needs these bytes any more: until they are written again each sector reads as it was or as zeros.
   * @param secure no copy of them may remain anywhere; only where `discardUnits.secure`
   */
  discard?(position: number, byteLength: number, secure: boolean): void | Promise<void>
  /** These bytes read as zeros from now on; cheaper than writing them. */
  writeZeroes?(position: number, byteLength: number): void | Promise<void>
  /** Looks again how large the disk is, and tells it by `byteLength`: somebody may have made it larger or smaller. */
  refreshSize?(): void | Promise<void>
}

/** @see xen/include/public/io/blkif.h discard-granularity, discard-alignment, discard-secure */
export interface DiscardUnits {
  /** Bytes that can be given back one by one; of a range, only what covers such a unit is. A multiple of the sector size. */
  readonly granularityBytes: number
  /** Where on the disk the first unit begins, in bytes; 0 unless given. */
  readonly alignmentBytes?: number
  /** A discard can be told to leave no copy behind; false unless given. */
  readonly secure?: boolean
}
