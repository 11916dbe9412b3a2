import { type Domid, XenError } from '@split-driver/abi'
import type { Simulation } from './simulation.js'

/** What a block store looks like: `BlockStore` of `@split-driver/blkif` is one. */
export interface TransferStore extends AsyncDisposable {
  readonly byteLength: number
  readonly sectorBytes: number
  readonly readOnly: boolean
  read(position: number, targets: readonly Uint8Array[]): void | Promise<void>
  write(position: number, sources: readonly Uint8Array[]): void | Promise<void>
  flush(): void | Promise<void>
}

/**
 * A store whose transfers are done when the simulation says so, in any order, and fail when its faults say so. A write that
 * fails may have been done nevertheless, as with a disk.
 */
export class SimulatedStore implements TransferStore {
  readonly byteLength: number
  readonly sectorBytes: number
  readonly readOnly: boolean
  readonly #store: TransferStore
  readonly #simulation: Simulation
  readonly #domid: Domid

  /** @param domid who waits for the transfers: they do not complete while it is frozen */
  constructor(store: TransferStore, simulation: Simulation, domid: Domid) {
    this.byteLength = store.byteLength
    this.sectorBytes = store.sectorBytes
    this.readOnly = store.readOnly
    this.#store = store
    this.#simulation = simulation
    this.#domid = domid
  }

  /** @throws XenError EIO if it was to fail */
  async read(position: number, targets: readonly Uint8Array[]): Promise<void> {
    if (!(await this.#simulation.completion(this.#domid))) throw failure('read', position)
    await this.#store.read(position, targets)
  }

  /** @throws XenError EIO if it was to fail */
  async write(position: number, sources: readonly Uint8Array[]): Promise<void> {
    const succeeds = await this.#simulation.completion(this.#domid)
    if (succeeds || this.#simulation.choose(2) === 0) await this.#store.write(position, sources)
    if (!succeeds) throw failure('write', position)
  }

  /** @throws XenError EIO if it was to fail */
  async flush(): Promise<void> {
    if (!(await this.#simulation.completion(this.#domid))) throw failure('flush', 0)
    await this.#store.flush()
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#store[Symbol.asyncDispose]()
  }
}

const failure = (operation: string, position: number): XenError =>
  new XenError('EIO', `a ${operation} at byte ${position} was to fail`, { detail: { injected: true } })
