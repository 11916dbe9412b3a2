import { createServer, type Server, type Socket } from 'node:net'
import { domainPort, VIRQ_PORT, WORD_BYTES } from './event-words.js'

/** The other end of a daemon's event channels. */
export class EventSocket implements AsyncDisposable {
  readonly #server: Server
  readonly #listeners = new Map<number, () => void>()
  #daemon: Socket | undefined
  /** Bytes of a word that has not arrived whole. */
  #rest: Uint8Array = new Uint8Array()

  static async listen(path: string): Promise<EventSocket> {
    const made = new EventSocket()
    await new Promise<void>((resolve, reject) => {
      made.#server.once('error', reject)
      made.#server.listen(path, resolve)
    })
    return made
  }

  private constructor() {
    this.#server = createServer((socket) => {
      this.#daemon = socket
      socket.on('data', (bytes) => this.#receive(bytes))
      // A daemon that is killed while an event is on its way to it.
      socket.on('error', () => socket.destroy())
    })
  }

  /** Calls `onEvent` whenever the daemon notifies `domid`. */
  listen(domid: number, onEvent: () => void): void {
    this.#listeners.set(domainPort(domid), onEvent)
  }

  /** `domid` notifies the daemon. */
  notify(domid: number): void {
    this.#send(domainPort(domid))
  }

  /** The hypervisor says that a domain began, shut down, or died. */
  domainsChanged(): void {
    this.#send(VIRQ_PORT)
  }

  /** For a process that takes the guests' part in our place: what it is given to by spawn, we do not read any more. */
  get socket(): Socket {
    if (this.#daemon === undefined) throw new Error('no daemon has come for its events')
    return this.#daemon
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#daemon?.destroy()
    await closed
  }

  #send(port: number): void {
    const word = Buffer.alloc(WORD_BYTES)
    word.writeUInt32LE(port)
    this.#daemon?.write(word)
  }

  #receive(bytes: Uint8Array): void {
    const words = Buffer.concat([this.#rest, bytes])
    const whole = words.length - (words.length % WORD_BYTES)
    for (let at = 0; at < whole; at += WORD_BYTES) this.#listeners.get(words.readUInt32LE(at))?.()
    this.#rest = words.subarray(whole)
  }
}
