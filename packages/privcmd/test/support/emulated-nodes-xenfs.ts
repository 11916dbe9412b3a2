import type { Port, SharedMemory } from '@split-driver/abi'
import type { MappedRange } from '@split-driver/privcmd'
import { NodeFile, type PageRange } from './emulated-nodes-file.js'
import { RevocableMemory } from './emulated-nodes-memory.js'
import { refused } from './emulated-nodes-refusal.js'

/** What dom0's kernel has for its XenStore daemon. */
export interface KernelStoreRing {
  readonly page: SharedMemory
  /** The kernel's own end, unbound. */
  readonly port: Port
}

/** /proc/xen/xsd_kva: one page, mapped from the file's beginning. @see Linux, drivers/xen/xenfs/xenstored.c */
export class XsdKvaFile extends NodeFile {
  readonly #page: SharedMemory
  readonly #mapped = new Map<MappedRange, RevocableMemory>()

  constructor(path: string, { page }: KernelStoreRing) {
    super(path)
    this.#page = page
  }

  ioctl(): number {
    throw refused('ENOTTY', `${this.path} takes no requests`)
  }

  override mapPages({ first, count }: PageRange): MappedRange {
    if (first !== 0 || count !== 1) throw refused('EINVAL', `${this.path} is one page`)
    const memory = new RevocableMemory(this.#page)
    const range = { byteLength: this.#page.byteLength, memory: memory.memory }
    this.#mapped.set(range, memory)
    return range
  }

  protected override unmapped(range: MappedRange): void {
    this.#mapped.get(range)?.revoke()
    this.#mapped.delete(range)
  }

  protected release(): void {}
}

/** /proc/xen/xsd_port: the port's number as text. */
export class XsdPortFile extends NodeFile {
  #rest: Uint8Array

  constructor(path: string, { port }: KernelStoreRing) {
    super(path)
    this.#rest = new TextEncoder().encode(String(port))
  }

  ioctl(): number {
    throw refused('ENOTTY', `${this.path} takes no requests`)
  }

  override read(target: Uint8Array): number {
    const count = Math.min(target.length, this.#rest.length)
    target.set(this.#rest.subarray(0, count))
    this.#rest = this.#rest.subarray(count)
    return count
  }

  protected release(): void {}
}
