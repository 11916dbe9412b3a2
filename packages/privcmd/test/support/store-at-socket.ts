import { createServer, type Socket } from 'node:net'
import type { Domid } from '@split-driver/abi'
import { SocketChannel } from '@split-driver/xenbus/node'
import { XenstoreServer } from '@split-driver/xenstored'

/** A daemon at a socket, without a machine below; its end takes all connections with it. */
export const storeAtSocket = async (path: string) => {
  const store = new XenstoreServer({ events: {}, mapper: {} } as ConstructorParameters<typeof XenstoreServer>[0])
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    store.accept(new SocketChannel(socket), { domid: 0 as Domid, privileged: true })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  const end = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return { store, end }
}
