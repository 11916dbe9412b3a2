import { closeSync, constants, openSync } from 'node:fs'
import { XenError } from '@split-driver/abi'
import type { GrantAccess } from '@split-driver/grant'
import { bufferDetacher, type DetachBuffer } from './buffer-detacher.js'
import { errnoName } from './errno-name.js'
import { type LinuxLibrary, loadLinuxLibrary, type Pointer } from './linux-library.js'
import { MappedMemory } from './mapped-memory.js'
import { isOpenAs } from './open-descriptors.js'
import { ReadableWatcher } from './readable-watcher.js'
import { SystemCallError } from './system-call-error.js'
import type { MappedRange, SystemCalls } from './system-calls.js'

/** @see sys/mman.h */
const PROT_READ = 1
const PROT_WRITE = 2
const MAP_SHARED = 1
const MAP_FAILED = 2n ** 64n - 1n

/** @see fcntl.h */
const F_SETFD = 2
const F_GETFL = 3
const F_SETFL = 4
const FD_CLOEXEC = 1

/** @see poll.h */
const POLLIN = 1

/** The kernel's own system calls, through the C library. */
export class LinuxSystemCalls implements SystemCalls {
  readonly #library: LinuxLibrary
  readonly #detach: DetachBuffer
  readonly #pollFd = new Int32Array(2)
  readonly #pollFdBytes = new Uint8Array(this.#pollFd.buffer)

  private constructor(library: LinuxLibrary) {
    this.#library = library
    this.#detach = bufferDetacher()
  }

  /** @throws XenError ENOSYS where the C library cannot be called */
  static async load(): Promise<LinuxSystemCalls> {
    return new LinuxSystemCalls(await loadLinuxLibrary())
  }

  /** By Node's own calls, which set O_CLOEXEC, and close what a worker thread had open when that is terminated. */
  open(path: string, access: 'read-only' | 'read-write'): number {
    const mode = access === 'read-only' ? constants.O_RDONLY : constants.O_RDWR
    try {
      return openSync(path, mode | constants.O_NONBLOCK)
    } catch (error) {
      throw new SystemCallError('open', (error as NodeJS.ErrnoException).code ?? String(error), path)
    }
  }

  adopt(fd: number, path: string): void {
    if (!isTheNode(fd, path)) throw new SystemCallError('fstat', 'ENODEV', `of descriptor ${fd}`)
    this.#fcntl(fd, F_SETFD, FD_CLOEXEC)
    this.#fcntl(fd, F_SETFL, this.#fcntl(fd, F_GETFL, 0) | constants.O_NONBLOCK)
  }

  close(fd: number): void {
    closeSync(fd)
  }

  ioctl(fd: number, request: number, argument: Uint8Array): number {
    for (;;) {
      const result = this.#library.ioctl(fd, request, argument)
      if (result >= 0) return result
      this.#throwUnlessInterrupted('ioctl', `0x${request.toString(16)}`)
    }
  }

  read(fd: number, target: Uint8Array): number {
    for (;;) {
      const count = this.#library.read(fd, target, target.length)
      if (count >= 0) return count
      if (this.#throwUnlessInterrupted('read', '', 'EAGAIN')) return 0
    }
  }

  write(fd: number, source: Uint8Array): number {
    for (;;) {
      const count = this.#library.write(fd, source, source.length)
      if (count >= 0) return count
      if (this.#throwUnlessInterrupted('write', '', 'EAGAIN')) return 0
    }
  }

  map(fd: number, offset: number, byteLength: number, access: GrantAccess): LinuxMappedRange {
    const protection = access === 'writable' ? PROT_READ | PROT_WRITE : PROT_READ
    for (;;) {
      const address = this.#library.mmap(null, byteLength, protection, MAP_SHARED, fd, offset)
      if (address !== null && BigInt.asUintN(64, address) !== MAP_FAILED)
        return new LinuxMappedRange(address, this.#library.view(address, byteLength), access)
      this.#throwUnlessInterrupted('mmap', `of ${byteLength} bytes at ${offset}`)
    }
  }

  unmap(range: MappedRange): void {
    if (!(range instanceof LinuxMappedRange)) throw new TypeError('this range was mapped by other system calls')
    if (range.ended) throw new XenError('USE_AFTER_UNMAP', 'this range was unmapped before')
    const { byteLength } = range
    this.#detach(range.buffer)
    if (this.#library.munmap(range.address, byteLength) < 0) this.#throwUnlessInterrupted('munmap')
  }

  addressOf(bytes: Uint8Array): bigint {
    return this.#library.addressOf(bytes)
  }

  whenReadable(fd: number, callback: () => void): Disposable {
    return new ReadableWatcher(this.#library, fd, callback)
  }

  /** An error that `fd` has to tell counts as readable. */
  waitReadable(fd: number, milliseconds: number): boolean {
    this.#pollFd[0] = fd
    this.#pollFd[1] = POLLIN
    const ready = this.#library.poll(this.#pollFdBytes, 1, Math.ceil(milliseconds))
    if (ready < 0 && this.#library.errno() !== EINTR) this.#throwUnlessInterrupted('poll')
    return ready > 0
  }

  #fcntl(fd: number, command: number, argument: number): number {
    const result = this.#library.fcntl(fd, command, argument)
    if (result < 0) this.#throwUnlessInterrupted('fcntl', `of descriptor ${fd}`)
    return result
  }

  /** @returns true for the errno that the caller expects; false when the call is to be repeated */
  #throwUnlessInterrupted(call: string, subject = '', expected?: string): boolean {
    const name = errnoName(this.#library.errno())
    if (name === expected) return true
    if (name === 'EINTR') return false
    throw new SystemCallError(call, name, subject)
  }
}

const isTheNode = (fd: number, path: string): boolean => {
  try {
    return isOpenAs(fd, path)
  } catch (error) {
    throw new SystemCallError('fstat', (error as NodeJS.ErrnoException).code ?? String(error), `of descriptor ${fd}`)
  }
}

/** @see errno.h */
const EINTR = 4

class LinuxMappedRange implements MappedRange {
  readonly address: Pointer
  readonly buffer: ArrayBuffer
  readonly byteLength: number
  readonly memory: MappedMemory

  constructor(address: Pointer, buffer: ArrayBuffer, access: GrantAccess) {
    this.address = address
    this.buffer = buffer
    this.byteLength = buffer.byteLength
    this.memory = new MappedMemory(buffer, 0, buffer.byteLength, access)
  }

  get ended(): boolean {
    return this.buffer.byteLength === 0
  }
}
