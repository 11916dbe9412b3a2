import { packStrings, toText, XenStoreOp } from '@split-driver/xenbus'
import type { XenstoreServerOptions } from '@split-driver/xenstored'
import type { MemoryConsole } from './memory-console.js'
import { StoreWorld } from './store-world.js'

/** A server, domain 0, and what it says to CONTROL: `!` and the error where it refuses. */
export const controlWorld = (options: XenstoreServerOptions & { readonly console?: MemoryConsole } = {}) => {
  const store = new StoreWorld(options)
  const dom0 = store.connect()
  const control = async (...texts: string[]) => {
    const reply = await dom0.request(XenStoreOp.Control, packStrings(...texts))
    return (reply.type === XenStoreOp.Error ? '!' : '') + toText(reply.body).replace(/\0$/, '')
  }
  return { store, dom0, control }
}
