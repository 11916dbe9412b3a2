import type { ByteReceiver, ByteStream, Dial } from '@split-driver/blkif'

/** A request as it came. */
export interface SeenRequest {
  readonly command: number
  readonly flags: number
  readonly cookie: bigint
  readonly position: number
  readonly byteLength: number
  readonly data: Buffer
}

/** One client's connection, seen from the server. */
export interface ServerSide {
  readonly structured: boolean
  send(...pieces: (Uint8Array | number[])[]): void
  /** Hangs up. */
  drop(): void
}

export interface FakeExport {
  flags: number
  /** Minimum, preferred and maximum; not told unless given. */
  blockSizes?: readonly [number, number, number]
  /** What it tells in place of the real size. */
  byteLength?: bigint
}

export const ALL_FLAGS = 0b1101101

/**
 * An NBD server in memory, with a disk whose unflushed writes a crash forgets. A test changes what it says, and takes requests
 * over by `onRequest`.
 */
export class FakeNbdServer {
  /** What is read. */
  bytes: Buffer
  /** What a crash leaves. */
  durable: Buffer
  readonly exports: Record<string, FakeExport> = { '': { flags: ALL_FLAGS } }
  greeting = Buffer.from('NBDMAGICIHAVEOPT\0\x03', 'latin1')
  structured = true
  /** False: NBD_OPT_GO is unknown to it. */
  knowsGo = true
  /** In place of any answer to an option. */
  onOption: ((option: number, data: Buffer, side: ServerSide) => boolean) | undefined
  /** Returns true if it has dealt with it. */
  onRequest: ((request: SeenRequest, side: ServerSide) => boolean) | undefined
  /** Refuses to be reached. */
  away = false
  readonly options: number[] = []
  readonly seen: SeenRequest[] = []
  readonly sides = new Set<ServerSide>()
  disconnects = 0
  dials = 0

  constructor(content: Uint8Array) {
    this.bytes = Buffer.from(content)
    this.durable = Buffer.from(content)
  }

  /** Loses connections and what was not flushed. */
  crash(): void {
    this.bytes = Buffer.from(this.durable)
    for (const side of [...this.sides]) side.drop()
  }

  /** A connection in memory: what one side writes the other has in the next turn. */
  readonly dial: Dial = async (receiver) => {
    this.dials++
    if (this.away) throw new Error('nobody is there')
    return new MemoryStream(receiver, this)
  }

  /** @returns takes what the client sends */
  accept(write: (bytes: Buffer) => void, hangUp: () => void): (bytes: Uint8Array) => void {
    const side = {
      structured: false,
      send: (...pieces: (Uint8Array | number[])[]) => write(Buffer.concat(pieces.map((piece) => Buffer.from(piece)))),
      drop: () => {
        this.sides.delete(side)
        hangUp()
      },
    }
    this.sides.add(side)
    const parser = this.#serve(side)
    let pending: Buffer = Buffer.alloc(0)
    let want = parser.next().value as number
    return (bytes) => {
      pending = Buffer.concat([pending, bytes])
      while (pending.length >= want) {
        const piece = pending.subarray(0, want)
        pending = pending.subarray(want)
        const { done, value } = parser.next(piece)
        if (done) return
        want = value
      }
    }
  }

  carryOut(request: SeenRequest, side: ServerSide): void {
    const { command, position, byteLength, data } = request
    if (command === 0) {
      this.replyData(request, side, this.bytes.subarray(position, position + byteLength))
      return
    }
    if (command === 1) data.copy(this.bytes, position)
    else if (command === 3) this.durable = Buffer.from(this.bytes)
    else this.bytes.fill(0, position, position + byteLength)
    if ((request.flags & 1) !== 0) this.bytes.copy(this.durable, position, position, position + byteLength)
    this.reply(request, side)
  }

  reply(request: SeenRequest, side: ServerSide, error = 0): void {
    side.send(simpleReply(request.cookie, error))
  }

  replyData(request: SeenRequest, side: ServerSide, data: Uint8Array): void {
    if (side.structured) side.send(chunk(request.cookie, 1, 1, Buffer.concat([u64(request.position), data])))
    else side.send(simpleReply(request.cookie, 0), data)
  }

  *#serve(side: { structured: boolean } & ServerSide): Generator<number, void, Buffer> {
    side.send(this.greeting)
    yield 4
    for (;;) {
      const head = yield 16
      const option = head.readUInt32BE(8)
      const data = yield head.readUInt32BE(12)
      this.options.push(option)
      if (this.onOption?.(option, data, side)) continue
      if (option === 8 && this.structured) {
        side.structured = true
        side.send(optionReply(option, 1))
      } else if (option === 7 && this.knowsGo) {
        const name = data.toString('utf8', 4, 4 + data.readUInt32BE(0))
        const found = this.exports[name]
        if (found === undefined) {
          side.send(optionReply(option, 0x80000006, Buffer.from('try another')))
          continue
        }
        if (found.blockSizes) side.send(optionReply(7, 3, Buffer.concat([u16(3), ...found.blockSizes.map(u32)])))
        side.send(optionReply(7, 3, Buffer.concat([u16(0), this.#size(found)])), optionReply(7, 1))
        break
      } else if (option === 1) {
        side.send(this.#size(this.exports[data.toString()]!), this.greeting[17] === 3 ? [] : new Uint8Array(124))
        break
      } else if (option === 2) {
        side.drop()
        return
      } else side.send(optionReply(option, 0x80000001))
    }
    for (;;) {
      const head = yield 28
      const command = head.readUInt16BE(6)
      const byteLength = head.readUInt32BE(24)
      const request = {
        command,
        flags: head.readUInt16BE(4),
        cookie: head.readBigUInt64BE(8),
        position: Number(head.readBigUInt64BE(16)),
        byteLength,
        data: command === 1 ? Buffer.from(yield byteLength) : Buffer.alloc(0),
      }
      if (command === 2) {
        this.disconnects++
        side.drop()
        return
      }
      this.seen.push(request)
      if (!this.onRequest?.(request, side)) this.carryOut(request, side)
    }
  }

  #size({ byteLength, flags }: FakeExport): Buffer {
    return Buffer.concat([u64(byteLength ?? this.bytes.length), u16(flags)])
  }
}

class MemoryStream implements ByteStream {
  readonly #receiver: ByteReceiver
  readonly #take: (bytes: Uint8Array) => void
  readonly #drop: () => void
  #closed = false

  constructor(receiver: ByteReceiver, server: FakeNbdServer) {
    this.#receiver = receiver
    let drop = (): void => undefined
    this.#take = server.accept(
      (bytes) => setImmediate(() => this.#deliver(bytes)),
      () => {
        drop()
        setImmediate(() => {
          if (!this.#closed) receiver.ended(new Error('the server ended it'))
          this.#closed = true
        })
      },
    )
    const side = [...server.sides].at(-1)!
    drop = () => server.sides.delete(side)
    this.#drop = drop
  }

  write(pieces: readonly Uint8Array[], onSent: () => void): void {
    const bytes = Buffer.concat(pieces)
    setImmediate(() => {
      if (this.#closed) return
      this.#take(bytes)
      onSent()
    })
  }

  startTls(): Promise<void> {
    return Promise.reject(new Error('there is no TLS in memory'))
  }

  end(): void {
    setImmediate(() => this.destroy())
  }

  destroy(): void {
    this.#closed = true
    this.#drop()
  }

  #deliver(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && !this.#closed; ) {
      const room = this.#receiver.room()
      const count = Math.min(room.length, bytes.length - at)
      room.set(bytes.subarray(at, at + count))
      this.#receiver.received(count)
      at += count
    }
  }
}

export const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 0xff)

export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export const u64 = (value: number | bigint): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

export const optionReply = (option: number, type: number, data: Uint8Array = new Uint8Array(0)): Buffer =>
  Buffer.concat([Buffer.from('0003e889045565a9', 'hex'), u32(option), u32(type), u32(data.length), data])

export const simpleReply = (cookie: bigint, error: number): Buffer =>
  Buffer.concat([u32(0x67446698), u32(error), u64(cookie)])

/** @param flags 1 if it is the last */
export const chunk = (cookie: bigint, flags: number, type: number, payload: Uint8Array): Buffer =>
  Buffer.concat([u32(0x668e33ef), u16(flags), u16(type), u64(cookie), u32(payload.length), payload])
