import { FlatMemory, XenError } from '@split-driver/abi'
import { type MappedRange, SystemCallError, type SystemCalls } from '@split-driver/privcmd'

/** What a node answers: changes the argument in place and returns a number, or throws. */
export type Answer = (argument: Uint8Array) => number

/** A kernel that does what a test says, and writes down what it was asked. */
export class ScriptedCalls implements SystemCalls {
  /** One line a call: `ioctl 84501 0000000005000000`, with the argument's bytes as they came in. */
  readonly log: string[] = []
  /** By request. Without one, a request answers 0. */
  readonly answers = new Map<number, Answer>()
  /** What reads give, one after the other; an error is thrown. */
  readonly reads: (Uint8Array | SystemCallError)[] = []
  /** In place of a mapping. */
  mapFailure: SystemCallError | undefined
  writeFailure: SystemCallError | undefined
  readable: (() => void) | undefined
  readonly openFds = new Set<number>()
  readonly mapped = new Set<MappedRange>()
  readonly #pointees = new Map<bigint, Uint8Array>()
  #nextFd = 3
  #nextAddress = 0x7000_0000_0000n

  /** What lies at an address that was given away. */
  pointee(address: bigint): Uint8Array {
    return this.#pointees.get(address)!
  }

  /** Takes the log, so that the next look begins anew. */
  take(): string[] {
    return this.log.splice(0)
  }

  open(path: string): number {
    const fd = this.#nextFd++
    this.openFds.add(fd)
    this.log.push(`open ${path}`)
    return fd
  }

  adopt(fd: number): void {
    if (!this.openFds.has(fd)) throw new SystemCallError('fcntl', 'EBADF')
    this.log.push('adopt')
  }

  close(fd: number): void {
    if (!this.openFds.delete(fd)) throw new SystemCallError('close', 'EBADF')
    this.log.push('close')
  }

  ioctl(_fd: number, request: number, argument: Uint8Array): number {
    this.log.push(`ioctl ${request.toString(16)} ${Buffer.from(argument).toString('hex')}`.trimEnd())
    return this.answers.get(request)?.(argument) ?? 0
  }

  read(_fd: number, target: Uint8Array): number {
    const bytes = this.reads.shift()
    if (bytes instanceof SystemCallError) throw bytes
    if (bytes === undefined) return 0
    target.set(bytes.subarray(0, target.length))
    if (bytes.length > target.length) this.reads.unshift(bytes.subarray(target.length))
    return Math.min(bytes.length, target.length)
  }

  write(_fd: number, source: Uint8Array): number {
    if (this.writeFailure) throw this.writeFailure
    this.log.push(`write ${Buffer.from(source).toString('hex')}`)
    return source.length
  }

  map(_fd: number, offset: number, byteLength: number, access: 'read-only' | 'writable'): MappedRange {
    this.log.push(`mmap ${offset.toString(16)} ${byteLength} ${access}`)
    if (this.mapFailure) throw this.mapFailure
    const range = { byteLength, memory: FlatMemory.allocate(byteLength) }
    this.mapped.add(range)
    return range
  }

  unmap(range: MappedRange): void {
    if (!this.mapped.delete(range)) throw new XenError('USE_AFTER_UNMAP', 'not mapped')
    this.log.push(`munmap ${range.byteLength}`)
  }

  addressOf(bytes: Uint8Array): bigint {
    for (const [address, known] of this.#pointees)
      if (known.buffer === bytes.buffer && known.byteOffset === bytes.byteOffset) return address
    const address = this.#nextAddress
    this.#nextAddress += 0x10000n
    this.#pointees.set(address, bytes)
    return address
  }

  whenReadable(_fd: number, callback: () => void): Disposable {
    this.readable = callback
    return {
      [Symbol.dispose]: () => {
        this.readable = undefined
      },
    }
  }

  waitReadable(): boolean {
    return this.reads.length > 0
  }
}

export const refusing =
  (errno: string): Answer =>
  () => {
    throw new SystemCallError('ioctl', errno)
  }

/** The bytes of 32-bit words. */
export const words = (...values: readonly number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer)

export const hex = (...values: readonly number[]): string => Buffer.from(words(...values)).toString('hex')
