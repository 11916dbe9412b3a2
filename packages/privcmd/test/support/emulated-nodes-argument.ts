import { refused } from './emulated-nodes-refusal.js'

/** `_IOC(_IOC_NONE, type, nr, size)`. @see asm-generic/ioctl.h */
export const ioctlNumber = (type: string, nr: number, size: number): number =>
  (size << 16) | (type.charCodeAt(0) << 8) | nr

/** The structure behind an ioctl's argument, as the kernel copies it from and to the caller. */
export class IoctlArgument {
  readonly #view: DataView

  /** @throws SystemCallError EFAULT if the caller's memory ends before the structure does */
  constructor(bytes: Uint8Array, atLeast: number) {
    if (bytes.length < atLeast) throw refused('EFAULT', `${bytes.length} bytes where the structure has ${atLeast}`)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  u16(at: number): number {
    return this.#view.getUint16(at, true)
  }

  u32(at: number): number {
    this.#reaches(at + 4)
    return this.#view.getUint32(at, true)
  }

  u64(at: number): number {
    return Number(this.#view.getBigUint64(at, true))
  }

  setU32(at: number, value: number): void {
    this.#reaches(at + 4)
    this.#view.setUint32(at, value, true)
  }

  setU64(at: number, value: number): void {
    this.#view.setBigUint64(at, BigInt(value), true)
  }

  #reaches(end: number): void {
    if (end > this.#view.byteLength) throw refused('EFAULT', `byte ${end} of an argument of ${this.#view.byteLength}`)
  }
}
