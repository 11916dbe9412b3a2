import { PAGE_BYTES } from '@split-driver/abi'
import type { MappedRange } from '@split-driver/privcmd'
import { refused } from './emulated-nodes-refusal.js'

/** How a mapping was asked for. */
export type MapAccess = 'read-only' | 'writable'

/** Pages of a node, from its beginning. */
export interface PageRange {
  readonly first: number
  readonly count: number
}

/** One open file of a device node: what its driver in the kernel keeps for it. */
export abstract class NodeFile {
  /** Set by whoever waits for the file; called whenever it may have become readable. */
  onReadable: () => void = () => {}
  /** Mappings of this file; the driver keeps it alive until the last one has ended, closed or not. */
  protected readonly mappings = new Set<MappedRange>()
  #closed = false

  constructor(readonly path: string) {}

  /** Would `poll` say POLLIN or POLLERR? */
  get readable(): boolean {
    return false
  }

  abstract ioctl(request: number, argument: Uint8Array): number

  /** @returns 0 where the kernel says EAGAIN */
  read(_target: Uint8Array): number {
    throw refused('EINVAL', `${this.path} cannot be read`)
  }

  write(_source: Uint8Array): number {
    throw refused('EINVAL', `${this.path} cannot be written`)
  }

  mapPages(_pages: PageRange, _access: MapAccess): MappedRange {
    throw refused('ENODEV', `${this.path} cannot be mapped`)
  }

  map(offset: number, byteLength: number, access: MapAccess): MappedRange {
    const [first, count] = [offset / PAGE_BYTES, byteLength / PAGE_BYTES]
    if (!Number.isSafeInteger(first) || first < 0) throw refused('EINVAL', `offset ${offset} is no multiple of a page`)
    // The kernel would round the length up; this project means what it says.
    if (!Number.isSafeInteger(count) || count < 1) throw refused('EINVAL', `${byteLength} bytes are no whole pages`)
    const range = this.mapPages({ first, count }, access)
    this.mappings.add(range)
    return range
  }

  unmap(range: MappedRange): boolean {
    if (!this.mappings.delete(range)) return false
    this.unmapped(range)
    if (this.#closed && this.mappings.size === 0) this.release()
    return true
  }

  unmapAll(): void {
    for (const range of [...this.mappings]) this.unmap(range)
  }

  close(): void {
    this.#closed = true
    if (this.mappings.size === 0) this.release()
  }

  /** What is open here, for the ledger. */
  holdings(): string[] {
    const mapped = [...this.mappings].map(({ byteLength }) => `${byteLength} bytes of ${this.path}, mapped`)
    return this.#closed ? mapped : [`an open file of ${this.path}`, ...mapped]
  }

  /** The range's memory is to be out of reach when this returns. */
  protected unmapped(_range: MappedRange): void {}

  /** The last that held the file has let go. */
  protected abstract release(): void
}
