import { nextTurn } from './host-clock.js'
import type { LinuxLibrary, PollHandle } from './linux-library.js'

/**
 * Tells in the event loop that a descriptor is readable. The loop's own epoll waits, beside everything else it waits for:
 * no thread is held, so nothing is to be woken when the process exits or a worker is terminated.
 */
export class ReadableWatcher implements Disposable {
  readonly #callback: () => void
  readonly #handle: PollHandle
  #told = false
  #ended = false

  constructor(library: LinuxLibrary, fd: number, callback: () => void) {
    this.#callback = callback
    this.#handle = library.watch(fd, this.#onPoll)
  }

  /** Idempotent. The callback is not called after this. */
  [Symbol.dispose](): void {
    if (this.#ended) return
    this.#ended = true
    this.#handle.close()
  }

  /**
   * koffi swallows what its callback throws, and calls it no more: what goes wrong must come up in a turn of its own. Its
   * hold on this function is what keeps the handle from being collected, with all that is reachable from here.
   */
  readonly #onPoll = (status: number): void => {
    if (this.#told || this.#ended) return
    this.#told = true
    nextTurn(() => this.#tell(status < 0))
  }

  /** @param stopped libuv stops a handle whose descriptor has an error to tell; reading it may have cured it */
  #tell(stopped: boolean): void {
    this.#told = false
    if (this.#ended) return
    if (stopped) this.#handle.start({ readable: true }, this.#onPoll)
    this.#callback()
  }
}
