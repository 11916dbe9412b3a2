import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FlatMemory, type Port } from '@split-driver/abi'
import { XenstoreServer } from '@split-driver/xenstored'
import { FileConsole, XenstoreSocketServer } from '@split-driver/xenstored/node'
import type { Daemon } from './daemon.js'
import { PAGE_BYTES } from './guest-page.js'
import { OwnMachine } from './own-machine.js'

/** Our own daemon beside the original ones: in this process, at a Unix socket. */
export async function startOwn(
  quotas: { readonly nodes?: number } = {},
): Promise<Daemon & { readonly server: XenstoreServer }> {
  const machine = new OwnMachine()
  // As the originals have domain 0 behind a ring, though nobody asks through it.
  const controlRing = { page: FlatMemory.allocate(PAGE_BYTES), port: 2 as Port }
  const home = mkdtempSync(join(tmpdir(), 'xenstored-'))
  const console = new FileConsole(home, () => {})
  const server = new XenstoreServer(machine, { domainStates: machine.domainStates, controlRing, console, quotas })
  // Its clients may live in this process, too, and then have nothing to say while it waits without giving way.
  const socket = await XenstoreSocketServer.listen(server, { path: join(home, 'socket'), busyMicroseconds: 0 })
  return {
    name: 'ours',
    server,
    socketPath: socket.path,
    createGuest: (domid) => machine.createGuest(domid),
    destroyGuest: (domid) => machine.destroyGuest(domid),
    async [Symbol.asyncDispose]() {
      await socket[Symbol.asyncDispose]()
      server[Symbol.dispose]()
      rmSync(home, { recursive: true, force: true })
    },
  }
}
