import { refused } from './emulated-nodes-refusal.js'

/** Distance between two buffers' addresses: nothing that runs over one's end reaches the next. */
const STRIDE = 1n << 32n

/** Gives buffers the addresses that a struct with a pointer needs, and finds them again. */
export class Addresses {
  readonly #bases = new WeakMap<ArrayBufferLike, bigint>()
  readonly #buffers = new Map<bigint, WeakRef<ArrayBufferLike>>()
  #next = STRIDE

  of({ buffer, byteOffset }: Uint8Array): bigint {
    let base = this.#bases.get(buffer)
    if (base === undefined) {
      base = this.#next
      this.#next += STRIDE
      this.#bases.set(buffer, base)
      this.#buffers.set(base, new WeakRef(buffer))
    }
    return base + BigInt(byteOffset)
  }

  /** @throws SystemCallError EFAULT where nothing lies, or lies any more */
  bytes(address: bigint, length: number): Uint8Array {
    const offset = Number(address % STRIDE)
    const buffer = this.#buffers.get(address - BigInt(offset))?.deref()
    if (buffer === undefined || offset + length > buffer.byteLength)
      throw refused('EFAULT', `${length} bytes at address ${address.toString(16)}`)
    return new Uint8Array(buffer, offset, length)
  }
}
