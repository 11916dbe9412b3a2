import type { Socket } from 'node:net'
import { XenError } from '@split-driver/abi'
import type { ConsoleBackend, ConsoleReader, ConsoleWriter } from '@split-driver/console'
import { type AttachAnswer, type AttachRequest, parseRequest, readFirstLine } from './attach-request.js'

/**
 * One terminal at one console. A guest that does not read holds back who types for it; a terminal that does not read
 * misses output, and holds nobody back.
 */
export class ConsoleConnection {
  /** Resolves when the connection is done with; never rejects. */
  readonly done: Promise<void>
  readonly #console: ConsoleBackend
  readonly #socket: Socket
  #reader: ConsoleReader | undefined
  #writer: ConsoleWriter | undefined

  constructor(console: ConsoleBackend, socket: Socket) {
    this.#console = console
    this.#socket = socket
    // What goes wrong with a connection ends it, and is nobody's concern but its own end's.
    socket.on('error', () => undefined)
    socket.once('close', () => this.#detach())
    this.done = this.#serve().catch(() => this.destroy())
  }

  destroy(): void {
    this.#socket.destroy()
  }

  async #serve(): Promise<void> {
    const input: AsyncIterator<Buffer> = this.#socket[Symbol.asyncIterator]()
    let rest: Buffer
    try {
      const first = await readFirstLine(input)
      this.#attach(parseRequest(first.line))
      rest = first.rest
    } catch (error) {
      this.#refuse(error)
      return
    }
    this.#answer({ ok: true })
    const typing = this.#type(rest, input)
    await this.#show(this.#reader!)
    this.#socket.destroySoon()
    await typing
  }

  #attach({ access, history }: AttachRequest): void {
    if (access === 'write') this.#writer = this.#console.attachWriter()
    this.#reader = this.#console.attachReader({ history })
  }

  async #show(reader: ConsoleReader): Promise<void> {
    for await (const bytes of reader) {
      if (this.#socket.destroyed) return
      if (!this.#socket.write(bytes)) await drainedOrClosed(this.#socket)
    }
  }

  /** Also of who may only read the input is taken, to learn of its end. */
  async #type(first: Buffer, input: AsyncIterator<Buffer>): Promise<void> {
    const keys = this.#writer?.writable.getWriter()
    try {
      if (first.length > 0) await keys?.write(first)
      for (let next = await input.next(); !next.done; next = await input.next()) await keys?.write(next.value)
    } catch {
      // The guest is gone, or the terminal is: either way nobody types any more.
    }
    this.#detach()
  }

  #detach(): void {
    this.#writer?.detach()
    this.#reader?.detach()
  }

  #refuse(error: unknown): void {
    const code = XenError.is(error) ? error.code : 'EIO'
    this.#answer({ ok: false, code, message: error instanceof Error ? error.message : String(error) })
    this.#socket.destroySoon()
  }

  #answer(answer: AttachAnswer): void {
    this.#socket.write(`${JSON.stringify(answer)}\n`)
  }
}

const drainedOrClosed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    const settle = (): void => {
      socket.off('drain', settle).off('close', settle)
      resolve()
    }
    socket.on('drain', settle).on('close', settle)
  })
