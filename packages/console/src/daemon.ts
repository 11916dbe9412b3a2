import { domid as asDomid, type Domid, XenError } from '@split-driver/abi'
import type { Platform } from '@split-driver/platform'
import type { Watch } from '@split-driver/xenbus'
import { EventEmitter } from 'events'
import type TypedEmitter from 'typed-emitter'
import { ConsoleBackend } from './backend.js'
import { asXenError } from './console-error.js'
import type { EventRate } from './event-allowance.js'
import { DOMAINS_PATH, INTRODUCE_DOMAIN, primaryConsolePath, RELEASE_DOMAIN } from './keys.js'
import { findPrimaryConsole } from './primary-console.js'

/** How many logs of domains that are gone are kept unless the options say otherwise. */
export const DEFAULT_DEAD_LOGS = 16

export interface ConsoleDaemonOptions {
  /** The domain that serves, privileged. */
  readonly platform: Pick<Platform, 'domid' | 'events' | 'mapper' | 'clock' | 'xenstore'>
  /** How many of each domain's events to serve; xenconsoled's rate unless given. */
  readonly eventRate?: EventRate
  /** How many logs of domains that are gone to keep, the youngest; DEFAULT_DEAD_LOGS unless given. */
  readonly deadLogs?: number
}

export type ConsoleDaemonEvents = {
  /** A domain's console is served. */
  connect: (console: ConsoleBackend) => void
  /** It is not any more; its log stays until it is forgotten. */
  disconnect: (console: ConsoleBackend) => void
  /**
   * The console of `domid` cannot be served, or its guest broke the rules; other domains do not notice. Without a domid:
   * XenStore has failed, and domains that come and go are not seen any more. Without a listener nothing is thrown.
   */
  error: (error: XenError, domid: Domid | undefined) => void
}

const Emitter = EventEmitter as unknown as new () => TypedEmitter<ConsoleDaemonEvents>

/** Something to look at: one domain, or which domains there are. */
type Errand = Domid | 'domains'

/**
 * Serves every domain's primary console, as domains come and go. It looks where XenStore points, one place after the
 * other; what it finds decides, not the order or number of events (rule 36).
 */
export class ConsoleDaemon extends Emitter implements AsyncDisposable {
  readonly #options: ConsoleDaemonOptions
  /** Live ones, and dead ones in the order in which they died. */
  readonly #consoles = new Map<Domid, ConsoleBackend>()
  readonly #domainWatches = new Map<Domid, Watch>()
  readonly #watches: Watch[] = []
  readonly #errands = new Set<Errand>()
  #work: Promise<void> | undefined
  #closed = false

  /**
   * Resolves when the daemon serves all the domains that there are.
   * @param prepare called before it looks for the first one: listeners that are added here miss nothing
   * @throws XenError if XenStore refuses the watches
   */
  static async start(options: ConsoleDaemonOptions, prepare?: (daemon: ConsoleDaemon) => void): Promise<ConsoleDaemon> {
    const daemon = new ConsoleDaemon(options)
    prepare?.(daemon)
    await daemon.#begin()
    return daemon
  }

  private constructor(options: ConsoleDaemonOptions) {
    super()
    this.#options = options
  }

  /** Every console that is served, and those of which the log is kept. */
  consoles(): readonly ConsoleBackend[] {
    return [...this.#consoles.values()]
  }

  /** The console of a domain, live or not. */
  get(domid: Domid): ConsoleBackend | undefined {
    return this.#consoles.get(domid)
  }

  /** Drops the log of a domain that is gone. @returns false if there is none, or if the domain is still served */
  forget(domid: Domid): boolean {
    if (this.#consoles.get(domid)?.connected !== false) return false
    return this.#consoles.delete(domid)
  }

  /** Lets go of every domain. Logs stay readable. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#errands.clear()
    await this.#work
    await Promise.all([...this.#watches, ...this.#domainWatches.values()].map((watch) => watch.close()))
    for (const console of this.#consoles.values()) this.#disconnect(console)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #begin(): Promise<void> {
    const { xenstore } = this.#options.platform
    try {
      for (const path of [INTRODUCE_DOMAIN, RELEASE_DOMAIN])
        this.#watches.push(await xenstore.onChange(path, () => this.#send('domains')))
      this.#send('domains')
      await this.#work
    } catch (error) {
      await this.close()
      throw error
    }
  }

  #send(errand: Errand): void {
    if (this.#closed) return
    this.#errands.add(errand)
    this.#work ??= this.#run()
  }

  /** One errand after the other, so that no two looks at a domain overlap. */
  async #run(): Promise<void> {
    for (const errand of this.#errands) {
      this.#errands.delete(errand)
      try {
        if (errand === 'domains') await this.#lookForDomains()
        else await this.#lookAt(errand)
      } catch (error) {
        this.#report(asXenError(error))
      }
    }
    this.#work = undefined
  }

  async #lookForDomains(): Promise<void> {
    const { xenstore, domid: own } = this.#options.platform
    const present = new Set<Domid>()
    for (const name of await xenstore.directory(DOMAINS_PATH)) {
      if (/^\d{1,5}$/.test(name) && Number(name) !== own) present.add(asDomid(Number(name)))
    }
    const known = [...this.#domainWatches.keys()]
    for (const domid of new Set([...known, ...present])) {
      if (!(await xenstore.isDomainIntroduced(domid))) await this.#leave(domid)
      else if (!this.#domainWatches.has(domid)) await this.#meet(domid)
    }
  }

  /** A domain that was not known. Its watch fires at once (rule 44), which makes the first look. */
  async #meet(domid: Domid): Promise<void> {
    const watch = await this.#options.platform.xenstore.onChange(primaryConsolePath(domid), () => this.#send(domid))
    this.#domainWatches.set(domid, watch)
    this.#errands.add(domid)
  }

  async #leave(domid: Domid): Promise<void> {
    const watch = this.#domainWatches.get(domid)
    this.#domainWatches.delete(domid)
    const console = this.#consoles.get(domid)
    if (console !== undefined) this.#disconnect(console)
    await watch?.close()
  }

  async #lookAt(domid: Domid): Promise<void> {
    if (this.#closed || !this.#domainWatches.has(domid)) return
    const { platform } = this.#options
    try {
      const found = await findPrimaryConsole(platform.xenstore, domid, platform.domid)
      if (this.#closed || found === undefined) return
      this.#connect(domid, found)
    } catch (error) {
      this.#report(asXenError(error), domid)
    }
  }

  #connect(domid: Domid, found: { remotePort: ConsoleBackend['remotePort']; logBytes: number }): void {
    const { platform, eventRate } = this.#options
    const before = this.#consoles.get(domid)
    const options = { platform, domid, ...found, ...(eventRate === undefined ? {} : { eventRate }) }
    let console: ConsoleBackend
    try {
      console = new ConsoleBackend(options)
    } catch (error) {
      // The port that we hold already can be bound again only if the domain behind it is another one (hostile row S3).
      if (before?.connected && before.remotePort === found.remotePort && XenError.is(error, 'EINVAL')) return
      throw error
    }
    if (before !== undefined) this.#disconnect(before)
    this.#consoles.delete(domid)
    this.#consoles.set(domid, console)
    console.on('error', (error) => this.#report(error, domid))
    this.emit('connect', console)
  }

  #disconnect(console: ConsoleBackend): void {
    if (!console.connected) return
    console.close()
    const { domid } = console
    this.#consoles.delete(domid)
    this.#consoles.set(domid, console)
    this.emit('disconnect', console)
    this.#dropOldLogs()
  }

  #report(error: XenError, domid?: Domid): void {
    if (this.listenerCount('error') > 0) this.emit('error', error, domid)
  }

  #dropOldLogs(): void {
    const dead = [...this.#consoles.values()].filter(({ connected }) => !connected)
    const excess = dead.length - (this.#options.deadLogs ?? DEFAULT_DEAD_LOGS)
    for (const { domid } of dead.slice(0, Math.max(0, excess))) this.#consoles.delete(domid)
  }
}
