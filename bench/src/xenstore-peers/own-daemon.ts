import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Domid } from '@split-driver/abi'
import { XenstoreServer } from '@split-driver/xenstored'
import { XenstoreSocketServer } from '@split-driver/xenstored/node'
import type { Daemon } from './daemon.js'
import { OwnMachine } from './own-machine.js'

/** Our own daemon beside the original ones: in this process, at a Unix socket. */
export async function startOwn(): Promise<Daemon & { readonly server: XenstoreServer }> {
  const machine = new OwnMachine()
  const server = new XenstoreServer(machine)
  const home = mkdtempSync(join(tmpdir(), 'xenstored-'))
  const socket = await XenstoreSocketServer.listen(server, { path: join(home, 'socket') })
  return {
    name: 'ours',
    server,
    socketPath: socket.path,
    createGuest: (domid) => machine.createGuest(domid),
    destroyGuest: (domid) => {
      machine.destroyGuest(domid)
      if (server.isIntroduced(domid as Domid)) server.release(domid as Domid)
    },
    async [Symbol.asyncDispose]() {
      await socket[Symbol.asyncDispose]()
      server[Symbol.dispose]()
      rmSync(home, { recursive: true, force: true })
    },
  }
}
