import type { Port } from '@split-driver/abi'

/** A set of ports, one bit each. */
export class PortSet {
  readonly #bits: Int32Array

  /** @param portCount ports are below this */
  constructor(portCount: number) {
    this.#bits = new Int32Array(Math.ceil(portCount / 32))
  }

  add(port: Port): void {
    this.#bits[port >> 5]! |= 1 << (port & 31)
  }

  delete(port: Port): void {
    this.#bits[port >> 5]! &= ~(1 << (port & 31))
  }

  has(port: Port): boolean {
    return (this.#bits[port >> 5]! & (1 << (port & 31))) !== 0
  }

  /** The bits of ports `32 word` … `32 word + 31`. */
  bits(word: number): number {
    return this.#bits[word]!
  }
}
