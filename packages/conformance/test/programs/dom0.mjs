import { BlkifBackendBus, MemoryBlockStore } from '@split-driver/blkif'
import { ConsoleDaemon } from '@split-driver/console'
import { MessagePortChannel } from '@split-driver/xenbus'
import { XenstoreServer } from '@split-driver/xenstored'

/** The control domain in a thread of its own: XenStore, consoles, and one shared memory as every guest's disk. */
export const program = async ({ platform, argument, signal }) => {
  const xenstored = new XenstoreServer(platform)
  xenstored.accept(new MessagePortChannel(argument.toolstack), { domid: 0, privileged: true })
  const openStore = async ({ params }) => new MemoryBlockStore(new Uint8Array(argument.disks[params]))
  const disks = await new BlkifBackendBus(platform, { openStore }).open()
  const consoles = await ConsoleDaemon.start({ platform })
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  await consoles.close()
  await disks.close()
  xenstored[Symbol.dispose]()
}
