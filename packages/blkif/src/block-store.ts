/**
 * Where a disk's bytes live. Positions and lengths are in bytes and multiples of 512; a range never exceeds `byteLength`:
 * the backend has judged the request before it comes here. A store that can answer at once returns nothing, so that no
 * promise is made; otherwise it returns a promise. A rejection becomes an error response, nothing more.
 */
export interface BlockStore extends AsyncDisposable {
  /** A multiple of 512. */
  readonly byteLength: number
  /** Logical sector size in bytes: 512, or a multiple of it that is a power of two. */
  readonly sectorBytes: number
  readonly readOnly: boolean

  /** Fills `targets`, one after the other, from `position` on. */
  read(position: number, targets: readonly Uint8Array[]): void | Promise<void>
  /** Stores `sources`, one after the other, at `position`. It is durable only after a `flush` that began later. */
  write(position: number, sources: readonly Uint8Array[]): void | Promise<void>
  /** Everything that was written before is durable when this is done. */
  flush(): void | Promise<void>
}
