import type { Port, SharedMemory } from '@split-driver/abi'
import type { EventChannels } from '@split-driver/evtchn'
import { listenForRing, RingChannel, XenStoreClient } from '@split-driver/xenbus'

/** A domain's connection to XenStore: its ring page and its event channel, both from the start of day. */
export const openXenStore = (page: SharedMemory, events: EventChannels, port: Port): XenStoreClient => {
  const channel = RingChannel.front(page, () => events.notify(port))
  listenForRing(channel, events, port)
  return new XenStoreClient(channel)
}
