import { XenError, type XenErrorCode } from '@split-driver/abi'
import type { Clock } from '@split-driver/platform'
import type { BlockStore, DiscardUnits } from '../block-store.js'
import { totalBytes } from '../views.js'
import type { Pending } from './pending.js'

/** What a faulty disk is about to do. */
export interface StoreOperation {
  readonly kind: 'read' | 'write' | 'flush' | 'discard' | 'writeZeroes'
  /** In bytes; 0 for a flush. */
  readonly position: number
  readonly byteLength: number
}

/** What befalls an operation. */
export interface StoreFault {
  /** It begins so much later, by the clock. */
  readonly delayMilliseconds?: number
  /** It is not carried out, and fails so. */
  readonly error?: XenErrorCode
}

export interface FaultyBlockStoreOptions {
  readonly clock: Clock
  /** Asked before each operation; what it leaves undefined goes on as if nothing were. */
  readonly fault: (operation: StoreOperation) => StoreFault | undefined
}

/** Another store, with errors and delays that its owner chooses: for tests of what lies above it. */
export class FaultyBlockStore implements BlockStore {
  readonly discardUnits?: DiscardUnits
  readonly discard?: (position: number, byteLength: number, secure: boolean) => Pending
  readonly writeZeroes?: (position: number, byteLength: number) => Pending
  readonly refreshSize?: () => Pending
  readonly #store: BlockStore
  readonly #options: FaultyBlockStoreOptions

  /** @param store ends with it */
  constructor(store: BlockStore, options: FaultyBlockStoreOptions) {
    this.#store = store
    this.#options = options
    if (store.discardUnits !== undefined) this.discardUnits = store.discardUnits
    if (store.discard !== undefined)
      this.discard = (position, byteLength, secure) =>
        this.#run('discard', position, byteLength, () => store.discard!(position, byteLength, secure))
    if (store.writeZeroes !== undefined)
      this.writeZeroes = (position, byteLength) =>
        this.#run('writeZeroes', position, byteLength, () => store.writeZeroes!(position, byteLength))
    if (store.refreshSize !== undefined) this.refreshSize = () => store.refreshSize!()
  }

  get byteLength(): number {
    return this.#store.byteLength
  }

  get sectorBytes(): number {
    return this.#store.sectorBytes
  }

  get physicalSectorBytes(): number {
    return this.#store.physicalSectorBytes ?? this.#store.sectorBytes
  }

  get readOnly(): boolean {
    return this.#store.readOnly
  }

  read(position: number, targets: readonly Uint8Array[]): Pending {
    return this.#run('read', position, totalBytes(targets), () => this.#store.read(position, targets))
  }

  write(position: number, sources: readonly Uint8Array[]): Pending {
    return this.#run('write', position, totalBytes(sources), () => this.#store.write(position, sources))
  }

  flush(): Pending {
    return this.#run('flush', 0, 0, () => this.#store.flush())
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#store[Symbol.asyncDispose]()
  }

  #run(kind: StoreOperation['kind'], position: number, byteLength: number, operation: () => Pending): Pending {
    const { delayMilliseconds, error } = this.#options.fault({ kind, position, byteLength }) ?? {}
    const act = error === undefined ? operation : () => refuse(error, kind, position)
    if (delayMilliseconds === undefined) return act()
    return new Promise<void>((resolve) => void this.#options.clock.setTimer(delayMilliseconds, resolve)).then(act)
  }
}

const refuse = (code: XenErrorCode, kind: string, position: number): never => {
  throw new XenError(code, `the faulty disk was told to fail this ${kind} at ${position}`)
}
