import { BlkifBackendBus, BlkifFrontend, MemoryBlockStore } from '@split-driver/blkif'
import { quiet, type World } from '@split-driver/conformance'
import { ConsoleDaemon, ConsoleFrontend } from '@split-driver/console'

/** A guest that writes and reads its disk and says a line; everything is closed in order. @returns its domid */
export const useBlockAndConsole = async (world: World, requests: number): Promise<number> => {
  const memory = new Uint8Array(1 << 20)
  const disks = await new BlkifBackendBus(world.dom0, { openStore: async () => new MemoryBlockStore(memory) }).open()
  const consoles = await ConsoleDaemon.start({ platform: world.dom0 })
  const guest = await world.createGuest({ name: 'guest' })
  const xvda = { type: 'vbd', id: 51712, backendKeys: { mode: 'w' } }
  const device = await world.toolstack.attachDevice(guest, xvda)
  const terminal = new ConsoleFrontend({ ...guest.console, events: guest.platform.events })
  const disk = await BlkifFrontend.open(guest.platform, 'xvda')
  const sector = new Uint8Array(512)
  for (let i = 0; i < requests; i += 2) await Promise.all([disk.write(i, sector), disk.read(i + 1, sector)])
  await terminal.line('done')
  await quiet(world.dom0.clock)
  await terminal.close()
  await disk.close()
  await consoles.close()
  await disks.close()
  await device.remove()
  return guest.domid
}
