import type { Domid, FrameNumber, Port } from '@split-driver/abi'
import type {
  CallOptions,
  TransactionOptions,
  Watch,
  WatchOptions,
  XenStore,
  XenStoreOperations,
} from '@split-driver/xenbus'
import { type DomainTracer, errorName } from './domain-tracer.js'
import { TracedStoreOperations } from './traced-store-operations.js'

/** A connection to XenStore whose steps are recorded. */
export class TracedXenStore extends TracedStoreOperations implements XenStore {
  readonly #below: XenStore

  constructor(below: XenStore, tracer: DomainTracer) {
    super(below, tracer, 0)
    this.#below = below
  }

  async watch(path: string, options?: WatchOptions): Promise<Watch> {
    return new TracedWatch(await this.told('watch', path, () => this.#below.watch(path, options)), this.tracer)
  }

  onChange(path: string, onPath: (path: string) => void, options?: WatchOptions): Promise<Watch> {
    const { step } = this.tracer
    const tell = (changed: string): void => {
      step('xenstore.watch-event', changed, path)
      onPath(changed)
    }
    return this.told('onChange', path, () => this.#below.onChange(path, tell, options))
  }

  async transaction<T>(
    body: (transaction: XenStoreOperations) => Promise<T>,
    options?: TransactionOptions,
  ): Promise<T> {
    const { step, recorder } = this.tracer
    const number = recorder.nextNumber()
    let attempts = 0
    step('xenstore.transaction-start', number)
    try {
      const result = await this.#below.transaction((below) => {
        attempts++
        return body(new TracedStoreOperations(below, this.tracer, number))
      }, options)
      step('xenstore.transaction-end', number, attempts, 'ok')
      return result
    } catch (error) {
      step('xenstore.transaction-end', number, attempts, errorName(error))
      throw error
    }
  }

  getDomainPath(domid: Domid, options?: CallOptions): Promise<string> {
    const answer = (path: string) => path
    return this.told('getDomainPath', `${domid}`, () => this.#below.getDomainPath(domid, options), { answer })
  }

  isDomainIntroduced(domid: Domid, options?: CallOptions): Promise<boolean> {
    return this.told('isDomainIntroduced', `${domid}`, () => this.#below.isDomainIntroduced(domid, options), {
      answer: String,
    })
  }

  introduce(domid: Domid, frame: FrameNumber, port: Port, options?: CallOptions): Promise<void> {
    const value = `frame ${frame}, port ${port}`
    return this.told('introduce', `${domid}`, () => this.#below.introduce(domid, frame, port, options), { value })
  }

  release(domid: Domid, options?: CallOptions): Promise<void> {
    return this.told('release', `${domid}`, () => this.#below.release(domid, options))
  }
}

/** A watch whose events are recorded as they are taken. */
class TracedWatch implements Watch {
  constructor(
    private readonly below: Watch,
    private readonly tracer: DomainTracer,
  ) {}

  get path(): string {
    return this.below.path
  }

  get token(): string {
    return this.below.token
  }

  close(): Promise<void> {
    return this.below.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async *[Symbol.asyncIterator](): AsyncIterator<string> {
    for await (const changed of this.below) {
      this.tracer.step('xenstore.watch-event', changed, this.path)
      yield changed
    }
  }
}
