import { isWithinDepth } from '../wire/path.js'
import type { Watch } from '../xenstore.js'
import { PathQueue } from './path-queue.js'

/**
 * A registered watch. Several iterations share what it has to tell: each path goes to one of them. Leaving an iteration
 * does not end the watch; `close` and the end of its scope do.
 */
export class ClientWatch implements Watch {
  readonly path: string
  readonly token: string
  readonly depth: number | undefined
  /** The server has said yes to it once. */
  registered = false
  readonly #queue: PathQueue
  readonly #unwatch: (watch: ClientWatch) => Promise<void>
  #closing: Promise<void> | undefined

  constructor(path: string, token: string, depth: number | undefined, unwatch: (watch: ClientWatch) => Promise<void>) {
    this.path = path
    this.token = token
    this.depth = depth
    this.#queue = new PathQueue(path)
    this.#unwatch = unwatch
  }

  /** An event came. What lies too deep comes from servers, and kernels, that know of no depth (rule 55). */
  tell(path: string): void {
    if (this.depth === undefined || isWithinDepth(path, this.path, this.depth)) this.#queue.push(path)
  }

  /** The connection is gone; what has come before is still given out. */
  end(): void {
    this.#queue.end(false)
    this.#closing ??= Promise.resolve()
  }

  /** The server does not take it up again: the iteration throws, after what has come before. */
  fail(reason: unknown): void {
    this.#queue.fail(reason)
    this.#closing ??= Promise.resolve()
  }

  close(): Promise<void> {
    this.#queue.end(true)
    this.#closing ??= this.#unwatch(this)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  [Symbol.asyncIterator](): AsyncIterator<string, undefined> {
    return { next: () => this.#queue.take(), return: () => Promise.resolve({ done: true, value: undefined }) }
  }
}
