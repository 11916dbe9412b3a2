import { XenError } from '@split-driver/abi'
import { refusal } from './refusal.js'
import type { MappedRange, SystemCalls } from './system-calls.js'

/** Turns what the kernel said when a node could not be opened into an error that says what to do. */
export type ExplainOpening = (path: string, error: unknown) => unknown

/** An open device node. */
export class DeviceNode {
  readonly path: string
  readonly #calls: SystemCalls
  readonly #fd: number
  #closed = false

  private constructor(calls: SystemCalls, path: string, fd: number) {
    this.#calls = calls
    this.path = path
    this.#fd = fd
  }

  /** @throws what `explain` makes of the kernel's refusal */
  static open(calls: SystemCalls, path: string, explain: ExplainOpening): DeviceNode {
    try {
      return new DeviceNode(calls, path, calls.open(path, 'read-write'))
    } catch (error) {
      throw explain(path, error)
    }
  }

  /**
   * A node that another program in this process has opened.
   * @throws XenError EIO if the node is not open by that number
   */
  static adopt(calls: SystemCalls, path: string, fd: number): DeviceNode {
    try {
      calls.adopt(fd, path)
      return new DeviceNode(calls, path, fd)
    } catch (error) {
      throw refusal(error, `${path} is not open as descriptor ${fd}, as the program before this one said`, { fd })
    }
  }

  get closed(): boolean {
    return this.#closed
  }

  /** @throws XenError CLOSED once the node is closed */
  get fd(): number {
    if (this.#closed) throw new XenError('CLOSED', `${this.path} has been closed`)
    return this.#fd
  }

  /** @throws SystemCallError; XenError CLOSED once the node is closed */
  ioctl(request: number, argument: Uint8Array): number {
    return this.#calls.ioctl(this.fd, request, argument)
  }

  /** As `ioctl`, on a struct that layouts write. */
  request(request: number, argument: Int32Array): number {
    return this.ioctl(request, new Uint8Array(argument.buffer, argument.byteOffset, argument.byteLength))
  }

  /** As `request`. @throws XenError that begins with `what`, if the kernel refuses */
  demand(request: number, argument: Int32Array, what: string, detail?: Readonly<Record<string, unknown>>): number {
    try {
      return this.request(request, argument)
    } catch (error) {
      throw this.refusal(error, what, detail)
    }
  }

  /** @throws SystemCallError */
  read(target: Uint8Array): number {
    return this.#calls.read(this.fd, target)
  }

  /** @throws SystemCallError */
  write(source: Uint8Array): number {
    return this.#calls.write(this.fd, source)
  }

  /** @throws SystemCallError */
  map(offset: number, byteLength: number, access: 'read-only' | 'writable'): MappedRange {
    return this.#calls.map(this.fd, offset, byteLength, access)
  }

  /** Also after the node is closed: mappings outlive it. */
  unmap(range: MappedRange): void {
    this.#calls.unmap(range)
  }

  addressOf(bytes: Uint8Array): bigint {
    return this.#calls.addressOf(bytes)
  }

  whenReadable(callback: () => void): Disposable {
    return this.#calls.whenReadable(this.fd, callback)
  }

  waitReadable(milliseconds: number): boolean {
    return this.#calls.waitReadable(this.fd, milliseconds)
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#calls.close(this.#fd)
  }

  /** @returns the error to throw for what the kernel refused */
  refusal(error: unknown, what: string, detail: Readonly<Record<string, unknown>> = {}): unknown {
    return refusal(error, `${this.path}: ${what}`, detail)
  }
}
