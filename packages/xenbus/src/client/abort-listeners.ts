/**
 * Who waits for which signal. One signal may give up any number of calls at once; it gets one listener, as hosts warn of
 * signals that have many.
 */
export class AbortListeners {
  readonly #waiting = new Map<AbortSignal, Set<() => void>>()
  readonly #onAbort = ({ target }: { readonly target: unknown }): void => {
    const signal = target as AbortSignal
    const waiting = this.#waiting.get(signal) ?? []
    this.#forget(signal)
    for (const callback of waiting) callback()
  }

  /** Calls back when the signal, which has not, aborts. @returns prevents that */
  listen(signal: AbortSignal, onAbort: () => void): () => void {
    // A function of its own, should the same one be given twice.
    const callback = () => onAbort()
    const waiting = this.#waiting.get(signal)
    if (waiting) waiting.add(callback)
    else {
      this.#waiting.set(signal, new Set([callback]))
      signal.addEventListener('abort', this.#onAbort)
    }
    return () => {
      const others = this.#waiting.get(signal)
      if (others?.delete(callback) && others.size === 0) this.#forget(signal)
    }
  }

  /** As `work`, but no later than `signal`. @throws its reason; `work` goes on, and whatever comes of it is ignored */
  untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    if (signal === undefined) return work
    return new Promise((resolve, reject) => {
      const giveUp = (): void => reject(signal.reason)
      if (signal.aborted) giveUp()
      const forget = signal.aborted ? () => undefined : this.listen(signal, giveUp)
      work.then(resolve, reject).finally(forget)
    })
  }

  #forget(signal: AbortSignal): void {
    this.#waiting.delete(signal)
    signal.removeEventListener('abort', this.#onAbort)
  }
}
