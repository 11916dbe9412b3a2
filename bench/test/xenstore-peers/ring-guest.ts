import { dirname, join } from 'node:path'
import { PAGE_BYTES } from '@split-driver/abi'
import { XenStoreWireClient } from '@split-driver/conformance'
import { LinuxSystemCalls } from '@split-driver/privcmd'
import { RingChannel } from '@split-driver/xenbus'
import type { Daemon } from '../../src/xenstore-peers/index.js'

/** A domain of an original daemon that has its page as a guest's kernel has it: mapped. It is not introduced. */
export const ringGuest = async (daemon: Daemon, domid: number): Promise<XenStoreWireClient> => {
  const page = daemon.createGuest(domid)
  const calls = await LinuxSystemCalls.load()
  const fd = calls.open(join(dirname(daemon.socketPath), `domain-${domid}`), 'read-write')
  const { memory } = calls.map(fd, 0, PAGE_BYTES, 'writable')
  calls.close(fd)
  const channel = RingChannel.front(memory, () => page.notify())
  page.listen(() => channel.wake())
  return new XenStoreWireClient(channel)
}
