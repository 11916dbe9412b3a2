import type { ByteRing } from './byte-ring.js'

/**
 * Tells events that have a reason from those that have none: has the peer moved an index of its own, by writing or by
 * reading, since the last look?
 */
export class PeerProgress {
  readonly #ring: ByteRing
  #written = 0
  #read = 0

  constructor(ring: ByteRing) {
    this.#ring = ring
    this.moved()
  }

  moved(): boolean {
    const { indices, view } = this.#ring
    const written = indices.loadOrdered(view.reads.prod)
    const read = indices.loadOrdered(view.writes.cons)
    const moved = written !== this.#written || read !== this.#read
    this.#written = written
    this.#read = read
    return moved
  }
}
