import type { Domid, GrantRef, SharedMemory } from '@split-driver/abi'
import { HEADER_WORDS } from '@split-driver/ring'
import type { DomainTracer } from './domain-tracer.js'
import { RingFollower } from './ring-follower.js'

/** Pages that may hold a ring: its indices are told to a follower, everything else goes through. */
export class TracedMemory implements SharedMemory {
  readonly byteLength: number
  readonly #below: SharedMemory
  readonly #tracer: DomainTracer
  readonly #granter: Domid
  readonly #ref: GrantRef
  /** From the first access in order on: most pages hold bulk data, and have none. */
  #follower: RingFollower | undefined

  /** @param ref of the first page, `granter`'s */
  constructor(below: SharedMemory, tracer: DomainTracer, granter: Domid, ref: GrantRef) {
    this.byteLength = below.byteLength
    this.#below = below
    this.#tracer = tracer
    this.#granter = granter
    this.#ref = ref
  }

  loadOrdered(word: number): number {
    const value = this.#below.loadOrdered(word)
    this.#follow().loaded(word, value)
    return value
  }

  storeOrdered(word: number, value: number): void {
    this.#follow().storing(word, value)
    this.#below.storeOrdered(word, value)
  }

  copyIn(word: number, source: Int32Array, at: number, count: number): void {
    this.#below.copyIn(word, source, at, count)
    // Exactly a header: SHARED_RING_INIT, which is done in one piece.
    if (word === 0 && count === HEADER_WORDS) this.#follow().initialised()
  }

  load(word: number): number {
    return this.#below.load(word)
  }

  store(word: number, value: number): void {
    this.#below.store(word, value)
  }

  load16(halfWord: number): number {
    return this.#below.load16(halfWord)
  }

  store16(halfWord: number, value: number): void {
    this.#below.store16(halfWord, value)
  }

  load8(byte: number): number {
    return this.#below.load8(byte)
  }

  store8(byte: number, value: number): void {
    this.#below.store8(byte, value)
  }

  compareExchange(word: number, expected: number, value: number): number {
    return this.#below.compareExchange(word, expected, value)
  }

  exchange(word: number, value: number): number {
    return this.#below.exchange(word, value)
  }

  or(word: number, bits: number): number {
    return this.#below.or(word, bits)
  }

  and(word: number, bits: number): number {
    return this.#below.and(word, bits)
  }

  exchange8(byte: number, value: number): number {
    return this.#below.exchange8(byte, value)
  }

  compareExchange16(halfWord: number, expected: number, value: number): number {
    return this.#below.compareExchange16(halfWord, expected, value)
  }

  copyOut(word: number, count: number, target: Int32Array, at: number): void {
    this.#below.copyOut(word, count, target, at)
  }

  bytes(offset: number, length: number): Uint8Array {
    return this.#below.bytes(offset, length)
  }

  mutableBytes(offset: number, length: number): Uint8Array {
    return this.#below.mutableBytes(offset, length)
  }

  #follow(): RingFollower {
    this.#follower ??= new RingFollower(this.#tracer, this.#below, this.#granter, this.#ref)
    return this.#follower
  }
}
