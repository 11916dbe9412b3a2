import type { SharedMemory } from '@split-driver/abi'

/**
 * The few system calls that the device nodes of a Xen host need. An interface, so that the same binding runs on the
 * kernel (`linux-system-calls.ts`) and, in tests, on nodes that an emulated machine stands behind.
 *
 * Every call throws `SystemCallError` with the kernel's own errno name.
 */
export interface SystemCalls {
  /** Opens a node, close-on-exec and non-blocking. @returns a file descriptor */
  open(path: string, access: 'read-only' | 'read-write'): number
  close(fd: number): void
  /** `argument` is read and written in place. @returns what the kernel returned, not negative */
  ioctl(fd: number, request: number, argument: Uint8Array): number
  /** @returns the bytes read; 0 when there is nothing now */
  read(fd: number, target: Uint8Array): number
  /** @returns the bytes taken */
  write(fd: number, source: Uint8Array): number
  /** Maps `byteLength` bytes of a node, shared, from `offset` (bytes, a multiple of the page). */
  map(fd: number, offset: number, byteLength: number, access: 'read-only' | 'writable'): MappedRange
  /** Ends a mapping as a whole; nothing of it can be reached through `range.memory` after this. */
  unmap(range: MappedRange): void
  /**
   * Calls back, on this thread, each time `fd` has become readable; one thread off the event loop waits for all of them.
   * Readable is told again until it is read empty.
   */
  whenReadable(fd: number, callback: () => void): Disposable
  /** Blocks this thread until `fd` is readable. @returns false when `milliseconds` passed first */
  waitReadable(fd: number, milliseconds: number): boolean
}

/** Memory of a node that is mapped into this process. */
export interface MappedRange {
  readonly byteLength: number
  readonly memory: SharedMemory
}
