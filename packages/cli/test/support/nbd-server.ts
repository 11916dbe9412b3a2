import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

/** An NBD server of the oldest kind that has exports, which takes one way only: reads, writes and flushes. */
export class NbdServer implements AsyncDisposable {
  readonly #server = createServer((socket) => void serve(socket, this.bytes).catch(() => socket.destroy()))
  readonly #path: string

  private constructor(
    path: string,
    readonly bytes: Buffer,
  ) {
    this.#path = path
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
    })
  }

  readonly #sockets = new Set<Socket>()

  static async listen(path: string, bytes: Buffer): Promise<NbdServer> {
    const server = new NbdServer(path, bytes)
    server.#server.listen(path)
    await once(server.#server, 'listening')
    return server
  }

  get uri(): string {
    return `nbd+unix:///?socket=${this.#path}`
  }

  /** Its connections break, and it listens on. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.hangUp()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

const HAS_FLUSH = 0b101

const serve = async (socket: Socket, disk: Buffer): Promise<void> => {
  const take = reader(socket)
  socket.write(Buffer.from('NBDMAGICIHAVEOPT\0\0', 'latin1'))
  await take(4)
  const option = await take(16)
  await take(option.readUInt32BE(12))
  const size = Buffer.alloc(10 + 124)
  size.writeBigUInt64BE(BigInt(disk.length))
  size.writeUInt16BE(HAS_FLUSH, 8)
  socket.write(size)
  for (;;) {
    const head = await take(28)
    const [command, at, length] = [head.readUInt16BE(6), Number(head.readBigUInt64BE(16)), head.readUInt32BE(24)]
    if (command === 2) return void socket.end()
    if (command === 1) (await take(length)).copy(disk, at)
    const reply = Buffer.from('6744669800000000', 'hex')
    socket.write(
      Buffer.concat([reply, head.subarray(8, 16), command === 0 ? disk.subarray(at, at + length) : reply.subarray(8)]),
    )
  }
}

/** Takes so many bytes of what the socket brings. */
const reader = (socket: Socket): ((count: number) => Promise<Buffer>) => {
  const chunks = socket.iterator()
  let pending: Buffer = Buffer.alloc(0)
  return async (count) => {
    while (pending.length < count) {
      const { done, value } = await chunks.next()
      if (done) throw new Error('the client has gone')
      pending = Buffer.concat([pending, value])
    }
    const taken = pending.subarray(0, count)
    pending = pending.subarray(count)
    return taken
  }
}
