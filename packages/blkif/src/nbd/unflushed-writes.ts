/** A change that the server has acknowledged. */
export interface KeptWrite {
  readonly position: number
  readonly byteLength: number
  /** What was written; undefined for zeros. */
  readonly bytes: Uint8Array | undefined
}

/** What keeping a change takes beside its bytes. */
const ENTRY_BYTES = 128

/** The acknowledged changes that no flush has covered, in order: a server that restarts may have forgotten them. */
export class UnflushedWrites implements Iterable<KeptWrite> {
  #writes: KeptWrite[] = []
  #forgotten = 0
  #bytes = 0

  /** Memory that is held. */
  get bytes(): number {
    return this.#bytes
  }

  /** For `forget`: everything that is kept by now. */
  get mark(): number {
    return this.#forgotten + this.#writes.length
  }

  /** @param views copied; none for zeros */
  add(position: number, byteLength: number, views: readonly Uint8Array[]): void {
    this.#writes.push({ position, byteLength, bytes: views.length === 0 ? undefined : joined(views, byteLength) })
    this.#bytes += ENTRY_BYTES + (views.length === 0 ? 0 : byteLength)
  }

  /** A flush that was sent at `mark` has been answered. */
  forget(mark: number): void {
    const gone = this.#writes.splice(0, Math.max(0, mark - this.#forgotten))
    this.#forgotten += gone.length
    for (const { bytes } of gone) this.#bytes -= ENTRY_BYTES + (bytes?.length ?? 0)
  }

  [Symbol.iterator](): Iterator<KeptWrite> {
    return this.#writes[Symbol.iterator]()
  }
}

const joined = (views: readonly Uint8Array[], byteLength: number): Uint8Array => {
  const bytes = new Uint8Array(byteLength)
  let at = 0
  for (const view of views) {
    bytes.set(view, at)
    at += view.length
  }
  return bytes
}
