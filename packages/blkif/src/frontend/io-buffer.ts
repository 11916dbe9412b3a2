import { type Domid, PAGE_BYTES, SECTOR_BYTES } from '@split-driver/abi'
import type { GrantSharer } from '@split-driver/grant'
import { GrantedMemory } from './granted-memory.js'

/**
 * Memory that the backend of a disk reaches: a transfer from or to it copies nothing. It stays granted until it is
 * disposed, whatever becomes of the disk: while it is, the backend can read and change it at any time.
 *
 *     using buffer = disk.allocate(1 << 20)
 *     await disk.read(0, buffer)
 */
export class IoBuffer implements Disposable {
  /** Not to be touched once the buffer is disposed. */
  readonly bytes: Uint8Array
  /** @internal Undefined if the backend may not reach it: then its bytes are copied as any others. */
  readonly granted: GrantedMemory | undefined
  /** @internal Where its first byte lies in the pages. */
  readonly offset: number

  private constructor(bytes: Uint8Array, granted: GrantedMemory | undefined, offset: number) {
    this.bytes = bytes
    this.granted = granted
    this.offset = offset
  }

  /** @internal @throws XenError ENOSPC */
  static grant(sharer: GrantSharer, backendDomid: Domid, byteLength: number): IoBuffer {
    const shared = sharer.share(backendDomid, Math.ceil(byteLength / PAGE_BYTES), 'writable')
    const granted = new GrantedMemory(sharer, shared)
    return new IoBuffer(granted.bytes(byteLength), granted, 0)
  }

  /** @internal For a backend that must see nothing but what a request is about. */
  static private(byteLength: number): IoBuffer {
    return new IoBuffer(new Uint8Array(byteLength), undefined, 0)
  }

  get byteLength(): number {
    return this.bytes.length
  }

  /** Bytes `begin` … `end` of the same memory; disposing either gives back all of it. */
  subarray(begin: number, end = this.byteLength): IoBuffer {
    const bytes = this.bytes.subarray(begin, end)
    return new IoBuffer(bytes, this.granted, this.offset + bytes.byteOffset - this.bytes.byteOffset)
  }

  /** @internal The pages that this backend can be told of, if it can. */
  reachableBy(backendDomid: Domid): GrantedMemory | undefined {
    const { granted, offset } = this
    const isReachable = granted?.backendDomid === backendDomid && offset % SECTOR_BYTES === 0
    return isReachable ? granted : undefined
  }

  get isDisposed(): boolean {
    return this.granted?.isGivenBack ?? false
  }

  /** Ends the grants, when the last request that names them is done. */
  [Symbol.dispose](): void {
    this.granted?.giveBack()
  }
}
