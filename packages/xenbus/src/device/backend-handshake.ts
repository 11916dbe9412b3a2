import type { KeysToWrite } from '../keys/key-set.js'
import { KEY } from '../keys/keys.js'
import { XenbusState } from '../state.js'
import { joinPath } from '../wire/path.js'
import type { DeviceRun, Handshake, StatePair } from './device-run.js'

export interface BackendHooks {
  offer(): KeysToWrite | Promise<KeysToWrite>
  connect(): KeysToWrite | void | Promise<KeysToWrite> | Promise<void>
}

/** InitWait once it has made its offer, Connected once the frontend has published; follows it to Closing and Closed. */
export class BackendHandshake implements Handshake {
  readonly #run: DeviceRun
  readonly #hooks: BackendHooks
  /** No offer has been made yet, to whatever frontend there is. */
  #fresh = true
  /** The toolstack wants the device away. */
  #detaching = false

  constructor(run: DeviceRun, hooks: BackendHooks) {
    this.#run = run
    this.#hooks = hooks
  }

  async react({ own, otherend }: StatePair): Promise<void> {
    const run = this.#run
    if (own === undefined) return run.endRemoved('removed')
    if (run.closeRequested) return this.#close()
    if (own === XenbusState.Closing && run.state !== own) await this.#asked()
    if (own === XenbusState.Initialising && run.state !== own && !this.#fresh)
      return run.endRemoved('removed and made anew')
    await this.#follow(otherend)
  }

  async abandon(): Promise<void> {
    this.#fresh = false
    await this.#shut()
    if (this.#run.closeRequested) await this.#run.end(undefined)
  }

  async #follow(frontend: XenbusState | undefined): Promise<void> {
    switch (frontend) {
      case XenbusState.Closing:
        return this.#followToClosing()
      case XenbusState.Closed:
        return this.#followToClosed()
      case XenbusState.Initialising:
        return this.#meet()
      case XenbusState.Initialised:
      case XenbusState.Connected:
        return this.#accept()
      case undefined:
        return this.#miss()
      default:
        if (this.#fresh) await this.#offer()
    }
  }

  /** A frontend that begins: a new one, one that comes back, or one that lost its memory while we were connected. */
  async #meet(): Promise<void> {
    const run = this.#run
    if (this.#detaching) return
    if (run.state > XenbusState.InitWait && !(await this.#toClosed())) return
    if (this.#fresh || run.state !== XenbusState.InitWait) await this.#offer()
  }

  /** The frontend has published. It may have done so long ago, to a backend that we now replace. */
  async #accept(): Promise<void> {
    if (this.#detaching) return
    if (this.#fresh) await this.#offer()
    if (this.#run.state !== XenbusState.InitWait || this.#run.holding) return
    await this.#run.connect(() => this.#hooks.connect())
  }

  /** There is no frontend, or none any more. */
  async #miss(): Promise<void> {
    if (this.#run.holding) return this.#followToClosed()
    if (this.#fresh && !this.#detaching) await this.#offer()
  }

  async #offer(): Promise<void> {
    const keys = await this.#hooks.offer()
    if (!(await this.#run.switchTo(XenbusState.InitWait, { keys, unless: [XenbusState.Closing] }))) return
    this.#fresh = false
  }

  /** Goes on serving: the frontend may have requests under way until it is Closed. */
  #followToClosing(): Promise<void> {
    return this.#run.sayClosing()
  }

  /** Rule 35: the device comes back from here if it is online, else it is over. */
  async #followToClosed(): Promise<void> {
    this.#fresh = false
    if (!(await this.#toClosed())) return
    if (this.#detaching || !(await this.#isOnline())) await this.#run.end(undefined)
  }

  /** Somebody wrote Closing into our directory: a wish to detach, unless it is what a predecessor of ours left behind. */
  async #asked(): Promise<void> {
    this.#detaching = !this.#fresh || !(await this.#isOnline())
    if (this.#detaching) this.#run.noteState(XenbusState.Closing)
    else await this.#run.switchTo(XenbusState.Closed)
  }

  async #isOnline(): Promise<boolean> {
    const { host, path } = this.#run
    return (await host.xenstore.tryRead(joinPath(path, KEY.online))) === '1'
  }

  async #close(): Promise<void> {
    await this.#shut()
    await this.#run.end(undefined)
  }

  /** Down at once. */
  async #shut(): Promise<void> {
    await this.#run.sayClosing()
    await this.#toClosed()
  }

  async #toClosed(): Promise<boolean> {
    await this.#run.letGo()
    return this.#run.switchTo(XenbusState.Closed)
  }
}
