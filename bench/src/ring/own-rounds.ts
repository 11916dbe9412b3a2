import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { FlatMemory } from '@split-driver/abi'
import { BackRing, FrontRing } from '@split-driver/ring'
import { BlkifBackendLoad } from './blkif-backend-load.js'
import { BlkifFrontendLoad } from './blkif-frontend-load.js'
import type { Load } from './load.js'

/** blkif's slot on 64 bits. */
export const SLOT_BYTES = 112
const PAGE_BYTES = 4096

/** What the backend's thread is told for each round. */
export interface BackendOrder {
  readonly page: SharedArrayBuffer
  readonly load: Load
}

const finished = (frontend: BlkifFrontendLoad, start: number): number => {
  const seconds = (performance.now() - start) / 1000
  if (frontend.wrong > 0) throw new Error(`${frontend.wrong} batches with wrong responses`)
  return seconds
}

/** Both ends in this thread, by turns. @returns seconds */
export const oneThreadRound = (load: Load): number => {
  const memory = FlatMemory.allocate(PAGE_BYTES)
  const frontend = new BlkifFrontendLoad(FrontRing.initialise(memory, SLOT_BYTES), load)
  const backend = new BlkifBackendLoad(BackRing.attach(memory, SLOT_BYTES), load)
  const start = performance.now()
  while (!frontend.done) {
    frontend.putRequests()
    backend.serveRequests()
    frontend.takeResponses()
  }
  return finished(frontend, start)
}

/** A second thread with the backend in it; lives through all rounds, so that V8 compiles it once. */
export class BackendThread implements AsyncDisposable {
  readonly #worker = new Worker(new URL('backend-thread.js', import.meta.url))

  /** The frontend in this thread, the backend in the other, each polling. @returns seconds */
  async round(load: Load): Promise<number> {
    const page = new SharedArrayBuffer(PAGE_BYTES)
    const frontend = new BlkifFrontendLoad(FrontRing.initialise(new FlatMemory(page), SLOT_BYTES), load)
    const order: BackendOrder = { page, load }
    this.#worker.postMessage(order)
    await once(this.#worker, 'message')
    const start = performance.now()
    while (!frontend.done) {
      frontend.putRequests()
      frontend.takeResponses()
    }
    return finished(frontend, start)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate()
  }
}
