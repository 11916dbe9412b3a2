import type { Port, SharedMemory } from '@split-driver/abi'
import type { EventChannels } from '@split-driver/evtchn'
import { type Pacing, RingLink, XenStoreClient } from '@split-driver/xenbus'

/**
 * A domain's connection to XenStore: its ring page and its event channel, both from the start of day. It is made anew where
 * the server offers that.
 */
export const openXenStore = (page: SharedMemory, events: EventChannels, port: Port, pacing: Pacing): XenStoreClient => {
  const link = new RingLink(page, events, port)
  return new XenStoreClient(link.channel, { ...pacing, reconnect: (signal) => link.reconnect(signal) })
}
