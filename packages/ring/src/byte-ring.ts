import type { SharedMemory } from '@split-driver/abi'
import type { ByteRingView, ByteStream } from './byte-ring-view.js'
import { after, distance } from './indices.js'

/**
 * One end of a pair of byte rings. It never blocks, never overwrites what was not read, and believes no index: a direction
 * whose indices lie more than its size apart has nothing to read and no room (rule 58), until they come to their senses;
 * `broken` lets the owner decide sooner (rule 54). Indices may begin anywhere. Notifying is the owner's part: after
 * writing, and after reading too, because the peer may wait for room.
 */
export class ByteRing {
  readonly view: ByteRingView
  /** Holds the indices. */
  readonly indices: SharedMemory
  /** Holds the bytes. */
  readonly data: SharedMemory

  /** @param data where it is not the memory that holds the indices, as with flexible rings */
  constructor(view: ByteRingView, indices: SharedMemory, data: SharedMemory = indices) {
    this.view = view
    this.indices = indices
    this.data = data
  }

  /** The peer (or we) left indices further apart than the ring is long, in either direction. Looks at the page. */
  get broken(): boolean {
    const { reads, writes } = this.view
    return this.#queued(reads) > reads.bytes || this.#queued(writes) > writes.bytes
  }

  /** Bytes that `read` would find now. */
  readable(): number {
    const { reads } = this.view
    const queued = this.#queued(reads)
    return queued > reads.bytes ? 0 : queued
  }

  /** Bytes that `write` would take now. */
  writable(): number {
    const { writes } = this.view
    const queued = this.#queued(writes)
    return queued > writes.bytes ? 0 : writes.bytes - queued
  }

  /** Moves bytes, each fetched once, into `target` until either is exhausted. @returns how many */
  read(target: Uint8Array): number {
    const cons = this.indices.loadOrdered(this.view.reads.cons)
    const count = this.readAhead(cons, target)
    if (count > 0) this.release(after(cons, count))
    return count
  }

  /** As `read`, of the bytes from `index` on, which stay the reader's until it releases them. */
  readAhead(index: number, target: Uint8Array): number {
    const { reads } = this.view
    const queued = distance(this.indices.loadOrdered(reads.prod), index)
    if (queued > reads.bytes) return 0
    const count = Math.min(queued, target.length)
    const mask = reads.bytes - 1
    for (let i = 0; i < count; i++) target[i] = this.data.load8(reads.offset + ((index + i) & mask))
    return count
  }

  /** What was read before `index` is the writer's room again. */
  release(index: number): void {
    this.indices.storeOrdered(this.view.reads.cons, index)
  }

  /** Up to where this end has read. */
  get readIndex(): number {
    return this.indices.loadOrdered(this.view.reads.cons)
  }

  /** Up to where this end has written. */
  get writeIndex(): number {
    return this.indices.loadOrdered(this.view.writes.prod)
  }

  /** Moves bytes out of `source` until either it or the room is exhausted. @returns how many */
  write(source: Uint8Array): number {
    const { writes } = this.view
    const prod = this.indices.loadOrdered(writes.prod)
    const queued = distance(prod, this.indices.loadOrdered(writes.cons))
    if (queued > writes.bytes) return 0
    const count = Math.min(writes.bytes - queued, source.length)
    const mask = writes.bytes - 1
    for (let i = 0; i < count; i++) this.data.store8(writes.offset + ((prod + i) & mask), source[i]!)
    if (count > 0) this.indices.storeOrdered(writes.prod, after(prod, count))
    return count
  }

  #queued(stream: ByteStream): number {
    const cons = this.indices.loadOrdered(stream.cons)
    return distance(this.indices.loadOrdered(stream.prod), cons)
  }
}
