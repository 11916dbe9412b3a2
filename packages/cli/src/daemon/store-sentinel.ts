import { XenError } from '@split-driver/abi'
import { type XenStore, XenStoreClient } from '@split-driver/xenbus'

/** A node of our own that hardly ever changes. */
const QUIET_NODE = 'domid'

/** What befalls the connection to XenStore while it is not lost for good. */
export interface StoreNews {
  /** It ended, and another one is sought: until then devices neither come nor go. */
  onAway(): void
  /** There is another one, and every watch looks at all of it. */
  onBack(): void
}

/** Notices what becomes of the connection to XenStore, and when it is lost for good. */
export class StoreSentinel implements AsyncDisposable {
  /** No other connection is sought, or one that came later refuses our watch. */
  readonly lost: Promise<Error>
  readonly #close: () => Promise<void>

  /** @throws XenError if XenStore refuses the watch */
  static async open(xenstore: XenStore, news: StoreNews): Promise<StoreSentinel> {
    const watch = await xenstore.watch(QUIET_NODE)
    const ignore = follow(xenstore, news)
    return new StoreSentinel(watch, () => {
      ignore()
      return watch.close()
    })
  }

  private constructor(events: AsyncIterable<string>, close: () => Promise<void>) {
    let closing = false
    this.#close = () => {
      closing = true
      return close()
    }
    this.lost = new Promise((resolve) => {
      const watchEnd = async (): Promise<void> => {
        for await (const _path of events);
        if (!closing) resolve(new XenError('CLOSED', 'the connection to XenStore has ended'))
      }
      watchEnd().catch(resolve)
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close()
  }
}

/** @returns how to hear no more of it */
const follow = (xenstore: XenStore, { onAway, onBack }: StoreNews): (() => void) => {
  if (!(xenstore instanceof XenStoreClient)) return () => undefined
  xenstore.on('lost', onAway).on('reconnected', onBack)
  return () => void xenstore.off('lost', onAway).off('reconnected', onBack)
}
