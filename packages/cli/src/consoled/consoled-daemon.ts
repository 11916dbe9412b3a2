import type { Domid } from '@split-driver/abi'
import { type ConsoleBackend, ConsoleDaemon, type EventRate } from '@split-driver/console'
import type { Platform } from '@split-driver/platform'
import { EventEmitter } from 'events'
import type TypedEmitter from 'typed-emitter'
import type { Daemon } from '../daemon/daemon.js'
import { StoreSentinel } from '../daemon/store-sentinel.js'
import { ConsoleSession } from './console-session.js'
import { DaemonLock } from './daemon-lock.js'
import { usableFolder } from './usable-folder.js'

export interface ConsoledOptions {
  /** Folder in which each domain's output is appended to `domain-<domid>.log`; no logs unless given. */
  readonly logFolder?: string
  /**
   * Folder in which each domain has the socket `domain-<domid>.sock` to attach to, whose path XenStore's `console/tty` tells
   * then; no sockets unless given, and libxl creates no domain.
   */
  readonly socketFolder?: string
  /** How many of each domain's events to serve; xenconsoled's rate unless given. */
  readonly eventRate?: EventRate
}

export type ConsoledEvents = {
  /** A domain's console is served: its log is open, and its socket is there. */
  connect: (domid: Domid) => void
  /** It is not any more. */
  disconnect: (domid: Domid) => void
  /** Something of this console does not work: its ring, its log, its socket. The others go on. */
  'console-error': (domid: Domid, error: Error) => void
  /** The console was faster than its log file: so many bytes are missing there. */
  dropped: (domid: Domid, bytes: number) => void
  /** XenStore has failed: domains that come and go are not seen. */
  'store-error': (error: Error) => void
  /** XenStore does not answer: what is served goes on, and domains neither come nor go. */
  'store-away': () => void
  /** It answers again, and everything has been looked at anew. */
  'store-back': () => void
}

const Emitter = EventEmitter as unknown as new () => TypedEmitter<ConsoledEvents>

/** Every domain's console, with logs and sockets: what xenconsoled does on a Xen host. No guest can end it. */
export class ConsoledDaemon extends Emitter implements Daemon {
  readonly #platform: Platform
  readonly #options: ConsoledOptions
  readonly #sessions = new Map<ConsoleBackend, ConsoleSession>()
  /** The end of the last session of each domid. */
  readonly #endings = new Map<Domid, Promise<void>>()
  #lock: DaemonLock | undefined
  #sentinel: StoreSentinel | undefined
  #consoles: ConsoleDaemon | undefined

  constructor(platform: Platform, options: ConsoledOptions) {
    super()
    this.#platform = platform
    this.#options = options
  }

  get lost(): Promise<Error> {
    return this.#sentinel?.lost ?? new Promise(() => undefined)
  }

  /**
   * Begins to serve. Once.
   * @throws XenError EACCES a folder cannot be used, EBUSY another daemon serves it; or if XenStore refuses the watches
   */
  async open(): Promise<this> {
    const { xenstore } = this.#platform
    const { logFolder, socketFolder, eventRate } = this.#options
    try {
      if (logFolder !== undefined) await usableFolder(logFolder, 'logs')
      if (socketFolder !== undefined) {
        await usableFolder(socketFolder, 'sockets')
        this.#lock = await DaemonLock.take(socketFolder)
      }
      this.#sentinel = await StoreSentinel.open(xenstore, {
        onAway: () => this.emit('store-away'),
        onBack: () => this.emit('store-back'),
      })
      const options = { platform: this.#platform, ...(eventRate === undefined ? {} : { eventRate }) }
      this.#consoles = await ConsoleDaemon.start(options, (consoles) => this.#follow(consoles))
      await Promise.all([...this.#sessions.values()].map(({ ready }) => ready))
    } catch (error) {
      await this.close()
      throw error
    }
    return this
  }

  /** Takes what the rings still hold, ends every log and socket in order. Idempotent. */
  async close(): Promise<void> {
    await this.#sentinel?.[Symbol.asyncDispose]()
    await this.#consoles?.close()
    await Promise.all(this.#endings.values())
    await this.#lock?.[Symbol.asyncDispose]()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #follow(consoles: ConsoleDaemon): void {
    consoles.on('connect', (console) => this.#begin(console))
    consoles.on('disconnect', (console) => this.#end(console))
    consoles.on('error', (error, domid) => {
      if (domid === undefined) this.emit('store-error', error)
      else this.emit('console-error', domid, error)
    })
  }

  #begin(console: ConsoleBackend): void {
    const { domid } = console
    const { logFolder, socketFolder } = this.#options
    const options = {
      logFolder,
      socketFolder,
      clock: this.#platform.clock,
      xenstore: this.#platform.xenstore,
      onError: (error: Error) => this.emit('console-error', domid, error),
      onDropped: (bytes: number) => this.emit('dropped', domid, bytes),
    }
    const session = new ConsoleSession(console, options, this.#endings.get(domid) ?? Promise.resolve())
    this.#sessions.set(console, session)
    this.#endings.set(domid, session.ended)
    void session.ready.then(() => this.emit('connect', domid))
  }

  #end(console: ConsoleBackend): void {
    const { domid } = console
    const session = this.#sessions.get(console)
    if (session === undefined) return
    this.#sessions.delete(console)
    session.end()
    void session.ready.then(() => this.emit('disconnect', domid))
    void session.ended.then(() => {
      if (this.#endings.get(domid) === session.ended) this.#endings.delete(domid)
    })
  }
}
