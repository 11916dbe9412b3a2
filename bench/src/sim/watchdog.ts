import { XenError } from '@split-driver/abi'
import { within } from '@split-driver/conformance'
import type { Clock } from '@split-driver/platform'
import type { Violation, ViolationKind } from './violation.js'

/** Milliseconds of virtual time in which anything settles, whatever is planned to go wrong meanwhile. */
const PATIENCE_MS = 60_000

/** How something ended: with a value, with an error that is to be expected, or not at all: then that has been noted. */
export type Ending<Value> =
  | { readonly how: 'done'; readonly value: Value }
  | { readonly how: 'failed'; readonly error: XenError }
  | { readonly how: 'noted' }

/** Watches over a run: notes what breaks a promise. */
export class Watchdog {
  readonly violations: Violation[] = []
  /** How often something ended well (`done`), or with which error. */
  readonly endings: Record<string, number> = {}
  readonly #clock: Clock
  readonly #mayFail: boolean

  /** @param mayFail something is planned that excuses failures, as long as they are proper ones */
  constructor(clock: Clock, mayFail: boolean) {
    this.#clock = clock
    this.#mayFail = mayFail
  }

  note(kind: ViolationKind, what: string): void {
    this.violations.push({ kind, what })
  }

  /** Notes `wrong`, if it is not empty. */
  judge(kind: ViolationKind, about: string, wrong: string | undefined): void {
    if (wrong !== undefined) this.note(kind, `${about}: ${wrong}`)
  }

  /** Waits for the end of something that must settle, in whatever way. */
  async settled<Value>(what: string, promise: Promise<Value>): Promise<Ending<Value>> {
    const outcome = promise.then(
      (value) => ({ how: 'done', value }) as const,
      (error: unknown) => ({ how: 'failed', error }) as const,
    )
    const ended = await within(this.#clock, outcome, what, PATIENCE_MS).catch(() => undefined)
    if (ended === undefined) this.note('unsettled', `${what} did not end within ${PATIENCE_MS} ms`)
    else if (ended.how === 'done') return this.#done(ended)
    else if (XenError.is(ended.error)) return this.#failed(what, ended.error)
    else this.note('refused', `${what} failed with no XenError: ${ended.error}`)
    return { how: 'noted' }
  }

  #done<Value>(ending: Ending<Value>): Ending<Value> {
    this.#count('done')
    return ending
  }

  #count(ending: string): void {
    this.endings[ending] = (this.endings[ending] ?? 0) + 1
  }

  #failed(what: string, error: XenError): Ending<never> {
    this.#count(error.code)
    if (!this.#mayFail) this.note('refused', `${what} failed: ${error.message}`)
    return { how: 'failed', error }
  }
}
