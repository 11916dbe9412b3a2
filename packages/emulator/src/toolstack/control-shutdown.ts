import { type Domid, XenError } from '@split-driver/abi'
import type { Clock } from '@split-driver/platform'
import type { Watch, XenStore } from '@split-driver/xenbus'
import type { ShutdownRequest } from './domain-lifecycle.js'

/** The key through which a toolstack asks a guest to stop, relative to the guest's home. */
const KEY = 'control/shutdown'

export interface RequestOptions {
  readonly store: XenStore
  readonly clock: Clock
  readonly domid: Domid
  readonly request: ShutdownRequest
  /** How long the guest may take to acknowledge, in milliseconds. */
  readonly limit: number
}

/**
 * The toolstack's half. Fulfilled when the guest has acknowledged, by emptying the key, or is no more.
 * @throws XenError ABORTED if it did not in time: the request is taken back; EBUSY if another is not acknowledged yet
 */
export const requestShutdown = async ({ store, clock, domid, request, limit }: RequestOptions): Promise<void> => {
  const path = `/local/domain/${domid}/${KEY}`
  await using watch = await store.watch(path)
  await store.transaction(async (t) => {
    const pending = await t.tryRead(path)
    if (pending) throw new XenError('EBUSY', `domain ${domid} is asked for ${pending} already`, { detail: { domid } })
    await t.write(path, request)
  })
  const timer = clock.setTimer(limit, () => void watch.close())
  try {
    for await (const _ of watch) if ((await store.tryRead(path)) !== request) return
  } finally {
    timer.cancel()
  }
  const acknowledged = await store.transaction(async (t) => {
    if ((await t.tryRead(path)) !== request) return true
    await t.write(path, '')
    return false
  })
  if (!acknowledged)
    throw new XenError('ABORTED', `domain ${domid} did not acknowledge ${request} within ${limit} ms`, {
      detail: { domid, request },
    })
}

/**
 * The guest's half. A request that it can meet is acknowledged before it is told; one that it cannot is left to the
 * toolstack's patience. What it can meet stands in `control/feature-…`, as Linux writes it.
 */
export class ShutdownRequests implements AsyncDisposable {
  readonly #store: XenStore
  readonly #handlers = new Map<ShutdownRequest, (request: ShutdownRequest) => void>()
  readonly #ending = new AbortController()
  #watch: Promise<Watch> | undefined

  /** @param store the guest's own connection */
  constructor(store: XenStore) {
    this.#store = store
  }

  /** @throws XenError CLOSED; and what XenStore refuses */
  async accept(request: ShutdownRequest, handler: (request: ShutdownRequest) => void): Promise<void> {
    this.#handlers.set(request, handler)
    this.#watch ??= this.#store.onChange(KEY, () => void this.#look().catch(ignoreClosed))
    await this.#watch
    if (request !== 'halt') await this.#store.write(`control/feature-${request}`, '1')
    await this.#look()
  }

  /** Nothing is acknowledged any more, also if it is being looked at right now. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new XenError('CLOSED', 'nobody waits for shutdown requests any more'))
    await (await this.#watch)?.close()
  }

  async #look(): Promise<void> {
    const met = await this.#store.transaction(async (t) => {
      const request = (await t.tryRead(KEY)) as ShutdownRequest | undefined
      const handler = request && this.#handlers.get(request)
      if (!handler) return undefined
      await t.write(KEY, '')
      return () => handler(request)
    }, this.#ending)
    met?.()
  }
}

/** The domain, or its XenStore, went while we looked: nobody asks for anything any more. */
export const ignoreClosed = (error: unknown): void => {
  if (!XenError.is(error, 'CLOSED', 'ESRCH', 'USE_AFTER_UNMAP')) throw error
}
