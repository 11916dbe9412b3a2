import { PAGE_BYTES } from '@split-driver/abi'
import type { DeviceNode } from './device-node.js'
import { PrivcmdRequest, privcmdHypercall } from './hypercall-abi.js'
import type { MappedRange } from './system-calls.js'

/** Pages that hypercalls may point to: one for the argument, one for what comes back beside it. */
const BUFFER_PAGES = 2

/**
 * Makes hypercalls with one argument struct. What Xen reads and writes lies in pages of /dev/xen/hypercall, which the
 * kernel neither moves nor takes away.
 */
export class HypercallChannel implements Disposable {
  readonly #privcmd: DeviceNode
  readonly #buffers: DeviceNode
  readonly #range: MappedRange
  readonly #call = new Int32Array(privcmdHypercall.words)
  /** Where the argument lies, and where the second page. */
  readonly argumentAddress: bigint
  readonly dataAddress: bigint

  constructor(privcmd: DeviceNode, buffers: DeviceNode) {
    this.#privcmd = privcmd
    this.#buffers = buffers
    try {
      this.#range = buffers.map(0, BUFFER_PAGES * PAGE_BYTES, 'writable')
    } catch (error) {
      throw buffers.refusal(error, 'no memory for hypercalls')
    }
    this.argumentAddress = buffers.addressOf(this.#range.memory.mutableBytes(0, PAGE_BYTES))
    this.dataAddress = buffers.addressOf(this.#range.memory.mutableBytes(PAGE_BYTES, PAGE_BYTES))
  }

  /**
   * @param args numbers, or addresses of the pages
   * @returns what Xen returned, not negative
   * @throws SystemCallError
   */
  call(op: number, ...args: readonly (number | bigint)[]): number {
    const halves = args.flatMap((arg) => [Number(BigInt.asUintN(32, BigInt(arg))), Number(BigInt(arg) >> 32n)])
    privcmdHypercall.write(this.#call, { op: BigInt(op), arg: [...halves, ...Array(10 - halves.length).fill(0)] })
    return this.#privcmd.request(PrivcmdRequest.Hypercall, this.#call)
  }

  /** As `call`, on a struct that goes in and comes back. */
  exchange(op: number, command: readonly number[], argument: Int32Array): number {
    this.#range.memory.copyIn(0, argument, 0, argument.length)
    const result = this.call(op, ...command, this.argumentAddress)
    this.#range.memory.copyOut(0, argument.length, argument, 0)
    return result
  }

  /** The first bytes of the argument's page. */
  argumentBytes(length: number): Uint8Array {
    return this.#range.memory.bytes(0, length).slice()
  }

  /** The first words of the second page. */
  dataWords(count: number): Int32Array {
    const words = new Int32Array(count)
    this.#range.memory.copyOut(PAGE_BYTES / 4, count, words, 0)
    return words
  }

  refusal(error: unknown, what: string): unknown {
    return this.#privcmd.refusal(error, what)
  }

  /** Idempotent. */
  [Symbol.dispose](): void {
    if (this.#buffers.closed) return
    this.#buffers.unmap(this.#range)
    this.#buffers.close()
    this.#privcmd.close()
  }
}
