import assert from 'node:assert/strict'
import type { XenStore } from '@split-driver/xenbus'
import type { LinuxGuest } from './linux-guest.js'
import { until } from './patience.js'

/** Seconds under pure emulation, on a busy machine. */
const SOON_SECONDS = 60
/** Rounds of the work that show that it goes on. */
const ROUNDS = 3

/** Numbers are written and read again, one after the other; and of a watch's events there is a count. */
const WORK = `(i=0; failed=; while :; do
  i=$((i+1))
  xenstore write data/count $i || failed="$failed write $i"
  [ "$(xenstore read data/count)" = $i ] || failed="$failed read $i"
  [ -z "$failed" ] || xenstore write data/failed "$failed"
done) >/dev/null 2>&1 &
(n=0; xenstore watch data/word | while read -r path; do
  n=$((n+1))
  xenstore write data/told $n
done) >/dev/null 2>&1 &`

/**
 * A guest that works in XenStore without a pause and waits for what dom0 writes, over whatever befalls the daemon. It tells in
 * XenStore how it fares.
 */
export class StoreWork {
  readonly #store: XenStore
  readonly #data: string
  /** The first event tells that the watch is there. */
  #told = 1

  static async start(guest: LinuxGuest, store: XenStore): Promise<StoreWork> {
    await guest.output(WORK)
    const work = new StoreWork(store, `/local/domain/${guest.domid}/data`)
    await until(SOON_SECONDS, 'the guest to begin its work', () => work.#count())
    await work.#isTold()
    return work
  }

  private constructor(store: XenStore, data: string) {
    this.#store = store
    this.#data = data
  }

  /** Checks that it does, and that the guest is told of a change, once; and that nothing has failed until now. */
  async goesOn(): Promise<void> {
    const before = (await this.#count()) ?? 0
    this.#told += 1
    await this.#store.write(`${this.#data}/word`, String(this.#told))
    await until(SOON_SECONDS, 'the work to go on', async () => ((await this.#count()) ?? 0) >= before + ROUNDS)
    await this.#isTold()
    assert.equal(await this.#store.tryRead(`${this.#data}/failed`), undefined)
  }

  async #isTold(): Promise<void> {
    const told = () => this.#store.tryRead(`${this.#data}/told`)
    await until(SOON_SECONDS, 'the guest to be told of a change', async () => Number(await told()) >= this.#told)
    assert.equal(Number(await told()), this.#told)
  }

  async #count(): Promise<number | undefined> {
    const count = await this.#store.tryRead(`${this.#data}/count`)
    return count === undefined ? undefined : Number(count)
  }
}
