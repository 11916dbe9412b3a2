import { type ByteChannel, concatBytes } from '@split-driver/xenbus'
import type { GuestPage } from './guest-page.js'
import { GuestRing } from './guest-ring.js'

/** A guest's end of its ring as clients want it. */
export class GuestChannel implements ByteChannel {
  readonly #ring: GuestRing
  #inbox: Uint8Array = new Uint8Array()
  #handler: (() => void) | undefined
  #closed = false

  constructor(page: GuestPage) {
    this.#ring = new GuestRing(page, (bytes) => {
      this.#inbox = concatBytes(this.#inbox, bytes)
      this.#handler?.()
    })
  }

  get closed(): boolean {
    return this.#closed
  }

  send(source: Uint8Array): number {
    if (this.#closed) return 0
    this.#ring.send(source.slice())
    return source.length
  }

  receive(target: Uint8Array): number {
    const part = this.#inbox.subarray(0, target.length)
    target.set(part)
    this.#inbox = this.#inbox.subarray(part.length)
    return part.length
  }

  onReady(handler: () => void): void {
    this.#handler = handler
    queueMicrotask(() => this.#handler?.())
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#handler?.()
  }
}
