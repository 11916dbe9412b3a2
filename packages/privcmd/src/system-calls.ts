import type { SharedMemory } from '@split-driver/abi'

/**
 * The few system calls that the device nodes of a Xen host need. An interface, so that the same binding runs on the
 * kernel (`linux-system-calls.ts`) and, in tests, on nodes that an emulated machine stands behind.
 *
 * Every call throws `SystemCallError` with the kernel's own errno name. A call that a signal interrupted is repeated.
 */
export interface SystemCalls {
  /** Opens a node, close-on-exec and non-blocking. @returns a file descriptor */
  open(path: string, access: 'read-only' | 'read-write'): number
  /**
   * Makes a descriptor that this program found open what those of `open` are: close-on-exec and non-blocking. EBADF if
   * nothing is open by that number, ENODEV if it is something else than the node.
   */
  adopt(fd: number, path: string): void
  close(fd: number): void
  /** `argument` is read and written in place. @returns what the kernel returned, not negative */
  ioctl(fd: number, request: number, argument: Uint8Array): number
  /** @returns the bytes read; 0 when there is nothing now */
  read(fd: number, target: Uint8Array): number
  /** @returns the bytes taken; 0 when there is no room now */
  write(fd: number, source: Uint8Array): number
  /** Maps `byteLength` bytes of a node, shared, from `offset` (bytes, a multiple of the page). */
  map(fd: number, offset: number, byteLength: number, access: 'read-only' | 'writable'): MappedRange
  /**
   * Ends a mapping as a whole. Nothing of it can be reached after this: `range.memory` throws USE_AFTER_UNMAP, and byte
   * arrays that were taken from it have length 0.
   */
  unmap(range: MappedRange): void
  /**
   * Where `bytes` lie, for a struct that holds a pointer; they never move. The caller keeps `bytes` alive as long as the
   * kernel may look there.
   */
  addressOf(bytes: Uint8Array): bigint
  /**
   * Calls back, on this thread and never before this returns, each time `fd` is readable or has an error to tell (the
   * next `read` throws it). Told again, after a turn of the event loop, until `fd` is read empty. Keeps the process alive
   * until it is disposed of, which comes before `close(fd)`. One watcher a descriptor.
   */
  whenReadable(fd: number, callback: () => void): Disposable
  /** Blocks this thread until `fd` is readable. @returns false when `milliseconds` passed, or a signal came, first */
  waitReadable(fd: number, milliseconds: number): boolean
}

/** Memory of a node that is mapped into this process. */
export interface MappedRange {
  readonly byteLength: number
  /** Writing through a `read-only` range throws READ_ONLY_MAPPING, touching an ended one USE_AFTER_UNMAP. */
  readonly memory: SharedMemory
}
