import { XenError } from '@split-driver/abi'
import type { XenStore } from '@split-driver/xenbus'

/** A node of our own that hardly ever changes. */
const QUIET_NODE = 'domid'

/** Notices when the connection to XenStore has ended: without it, devices neither come nor go. */
export class StoreSentinel implements AsyncDisposable {
  readonly lost: Promise<Error>
  readonly #close: () => Promise<void>

  /** @throws XenError if XenStore refuses the watch */
  static async open(xenstore: XenStore): Promise<StoreSentinel> {
    const watch = await xenstore.watch(QUIET_NODE)
    return new StoreSentinel(watch, () => watch.close())
  }

  private constructor(events: AsyncIterable<string>, close: () => Promise<void>) {
    let closing = false
    this.#close = () => {
      closing = true
      return close()
    }
    this.lost = new Promise((resolve) => {
      const follow = async (): Promise<void> => {
        for await (const _path of events);
        if (!closing) resolve(new XenError('CLOSED', 'the connection to XenStore has ended'))
      }
      follow().catch(resolve)
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close()
  }
}
