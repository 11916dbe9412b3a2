import type { ByteChannel } from '@split-driver/xenbus'

/** A channel through which nothing goes out while its gate is shut, and which may tell what its server can do. */
export class GatedChannel implements ByteChannel {
  readonly serverFeatures?: number
  readonly #below: ByteChannel
  #shut = false
  #handler: (() => void) | undefined

  constructor(below: ByteChannel, serverFeatures?: number) {
    this.#below = below
    if (serverFeatures !== undefined) this.serverFeatures = serverFeatures
  }

  get closed(): boolean {
    return this.#below.closed
  }

  set shut(shut: boolean) {
    this.#shut = shut
    this.#handler?.()
  }

  send(source: Uint8Array): number {
    return this.#shut ? 0 : this.#below.send(source)
  }

  receive(target: Uint8Array): number {
    return this.#below.receive(target)
  }

  onReady(handler: () => void): void {
    this.#handler = handler
    this.#below.onReady(handler)
  }

  close(): void {
    this.#below.close()
  }
}
