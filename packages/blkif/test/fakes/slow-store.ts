import type { BlockStore } from '@split-driver/blkif'

/** A store over another one that does each thing when the test says so. */
export class SlowStore implements BlockStore {
  readonly byteLength: number
  readonly sectorBytes: number
  readonly readOnly: boolean
  /** What was begun and not yet let go: `read 0`, `write 512`, `flush`. */
  readonly begun: string[] = []
  readonly #inner: BlockStore
  readonly #gates: (() => void)[] = []

  constructor(inner: BlockStore) {
    this.#inner = inner
    this.byteLength = inner.byteLength
    this.sectorBytes = inner.sectorBytes
    this.readOnly = inner.readOnly
  }

  read(position: number, targets: readonly Uint8Array[]): Promise<void> {
    return this.#later(`read ${position}`, () => this.#inner.read(position, targets))
  }

  write(position: number, sources: readonly Uint8Array[]): Promise<void> {
    return this.#later(`write ${position}`, () => this.#inner.write(position, sources))
  }

  flush(): Promise<void> {
    return this.#later('flush', () => this.#inner.flush())
  }

  /** Carries out one of what was begun, and lets its consequences happen. */
  async letGo(index = 0): Promise<void> {
    this.begun.splice(index, 1)
    this.#gates.splice(index, 1)[0]!()
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #later(what: string, action: () => void | Promise<void>): Promise<void> {
    this.begun.push(what)
    await new Promise<void>((resolve) => {
      this.#gates.push(resolve)
    })
    await action()
  }
}
