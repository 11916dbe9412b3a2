import { XenError } from '@split-driver/abi'

/** Something that is opened when it is first asked for, and closed at most once. */
export class OnDemand<T extends Disposable> implements Disposable {
  readonly #open: () => T
  #opened: T | undefined
  #closed = false

  constructor(open: () => T) {
    this.#open = open
  }

  /** What is open now. */
  get opened(): T | undefined {
    return this.#closed ? undefined : this.#opened
  }

  /** The same each time, also after it was closed. @throws what opening throws; XenError CLOSED if it never was opened */
  get(): T {
    if (this.#opened === undefined && this.#closed) throw new XenError('CLOSED', 'the platform has been disposed of')
    this.#opened ??= this.#open()
    return this.#opened
  }

  /** Idempotent. */
  [Symbol.dispose](): void {
    if (this.#closed) return
    this.#closed = true
    this.#opened?.[Symbol.dispose]()
  }
}
