import { XenError } from '@split-driver/abi'

/** How long a guest is there. What it waits for when it crashes, nobody has to answer. */
export class GuestLife {
  #over = false
  #end!: (reason: XenError) => void
  readonly #ended: Promise<never>

  constructor() {
    this.#ended = new Promise((_, reject) => {
      this.#end = reject
    })
    this.#ended.catch(() => undefined)
  }

  get over(): boolean {
    return this.#over
  }

  end(): void {
    this.#over = true
    this.#end(new XenError('ESRCH', 'the guest crashed'))
  }

  /** `promise`, or a rejection with ESRCH when the guest crashes before it is settled. */
  until<Value>(promise: Promise<Value>): Promise<Value> {
    return Promise.race([promise, this.#ended])
  }
}
