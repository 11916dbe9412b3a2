import { XenError } from '@split-driver/abi'
import type TypedEmitter from 'typed-emitter'
import { type KeysToWrite, parseKey } from '../keys/key-set.js'
import { KEY } from '../keys/keys.js'
import { readStateText, type StateText } from '../read-state.js'
import { XenbusState } from '../state.js'
import { stateKey } from '../state-key.js'
import { type SwitchStateOptions, switchState } from '../switch-state.js'
import { joinPath } from '../wire/path.js'
import type { Watch } from '../xenstore.js'
import type { DeviceEvents } from './device-events.js'
import type { DeviceHost } from './device-host.js'
import { Doorbell } from './doorbell.js'
import { writeErrorNode } from './error-node.js'
import { type Otherend, type OtherendKeys, readOtherend } from './otherend.js'

/** The states as they are now; `undefined` where there is no such node. */
export interface StatePair {
  readonly own: XenbusState | undefined
  readonly otherend: XenbusState | undefined
}

/** What one half does about the states it finds. Never called while an earlier call is under way. */
export interface Handshake {
  react(states: StatePair): Promise<void>
  /** The device failed: give the connection up and say Closed. */
  abandon(error: Error): Promise<void>
}

/** What the run needs to know of the device whose life it is. */
export interface DeviceHooks {
  disconnect(): void | Promise<void>
  otherendChanged(state: XenbusState | undefined): void | Promise<void>
}

/**
 * The life of one half of a device: watches both states, looks again at each change, and lets the handshake react to what
 * it finds, one reaction at a time. Since a reaction depends on what is there now, not on what happened, a peer that
 * toggles its state at every await gains nothing (B2).
 */
export class DeviceRun {
  readonly host: DeviceHost
  readonly path: string
  /** Our state as we last wrote it. */
  state: XenbusState = XenbusState.Unknown
  otherendState: XenbusState | undefined
  otherend: Otherend | undefined
  /** `publish` or `connect` has begun: something may have to be freed. */
  holding = false
  connected = false
  closeRequested = false
  /** Do not wait for the other half any longer. */
  forced = false

  readonly opened: Promise<void>
  readonly closed: Promise<void>
  readonly #events: TypedEmitter<DeviceEvents>
  readonly #hooks: DeviceHooks
  readonly #bell = new Doorbell()
  readonly #watches: Watch[] = []
  #began = false
  #ended = false
  /** Why nobody tells us of changes any more. */
  #storeEnd: Error | undefined
  #otherendEvent = false
  /** The other half's state has been read at least once. */
  #met = false
  #failure: Error | undefined
  /** Message of the failure that was told last. */
  #told: string | undefined
  #opens!: { resolve(): void; reject(error: Error): void }
  #closes!: () => void

  constructor(host: DeviceHost, path: string, events: TypedEmitter<DeviceEvents>, hooks: DeviceHooks) {
    this.host = host
    this.path = path
    this.#events = events
    this.#hooks = hooks
    this.opened = new Promise((resolve, reject) => {
      this.#opens = { resolve, reject }
    })
    // Whoever does not wait for the opening hears of a failure by the events.
    this.opened.catch(() => undefined)
    this.closed = new Promise((resolve) => {
      this.#closes = resolve
    })
  }

  /** Once; later calls do nothing. */
  begin(otherendKeys: OtherendKeys, handshake: Handshake): void {
    if (this.#began) return
    this.#began = true
    void this.#live(otherendKeys, handshake)
  }

  /** Looks again. */
  wake(): void {
    this.#bell.ring()
  }

  /** Closes; `forced` ends every wait for the other half. */
  requestClose(forced: boolean): void {
    this.closeRequested = true
    this.forced ||= forced
    if (!this.#began) {
      this.#began = true
      void this.end(undefined)
    }
    this.wake()
  }

  /** For use from drain loops: notes the first failure, does nothing by itself. */
  fail(error: Error): void {
    this.#failure ??= error
    this.wake()
  }

  /**
   * Once we are beyond Initialising, a node that says so is another device's by the same name, and is left alone.
   * @returns whether the node holds the state now; if not, its directory is gone or `unless` came first
   */
  async switchTo(state: XenbusState, { keys, unless = [] }: SwitchStateOptions = {}): Promise<boolean> {
    const another = this.state > XenbusState.Initialising ? [XenbusState.Initialising] : []
    const options = { unless: [...unless, ...another], ...(keys && { keys }) }
    const outcome = await switchState(this.host.xenstore, this.path, state, options)
    if (outcome === 'gone' || outcome === 'overtaken') return false
    this.noteState(state)
    return true
  }

  /** Writes keys, and the state that we are in once more, so that the other half looks at them. @returns whether it was so still */
  async tellAgain(keys: KeysToWrite): Promise<boolean> {
    const outcome = await switchState(this.host.xenstore, this.path, this.state, { keys, again: true })
    return outcome === 'switched'
  }

  /** The first step down. A half that is Closed stays so: Closing again would wake both halves for nothing. */
  async sayClosing(): Promise<void> {
    if (this.state !== XenbusState.Closed) await this.switchTo(XenbusState.Closing)
  }

  noteState(state: XenbusState): void {
    if (this.state === state) return
    this.state = state
    this.#events.emit('state', state)
  }

  /** Both halves are Connected. */
  async connect(connect: () => KeysToWrite | void | Promise<KeysToWrite> | Promise<void>): Promise<void> {
    this.holding = true
    const keys = (await connect()) ?? {}
    if (!(await this.switchTo(XenbusState.Connected, { keys, unless: [XenbusState.Closing] }))) return
    this.connected = true
    this.#opens.resolve()
  }

  /** Frees what the connection held: once for each connection, whatever ended it. */
  async letGo(): Promise<void> {
    if (!this.holding) return
    this.holding = false
    this.connected = false
    try {
      await this.#hooks.disconnect()
    } catch (error) {
      this.#report(toError(error))
    }
  }

  /** Ends this half for good. */
  async end(reason: Error | undefined): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await this.letGo()
    await Promise.allSettled(this.#watches.map((watch) => watch.close()))
    this.#opens.reject(reason ?? new XenError('CLOSED', `${this.path} was closed`, { detail: { path: this.path } }))
    this.#closes()
    this.#events.emit('closed', reason)
  }

  /**
   * Our directory is gone, or was made anew before we looked: for another device by the same name.
   * @param reason why we were closing already
   */
  endRemoved(how: 'removed' | 'removed and made anew', reason?: Error): Promise<void> {
    const { path } = this
    return this.end(reason ?? new XenError('ENODEV', `${path} was ${how}`, { detail: { path } }))
  }

  async #live(otherendKeys: OtherendKeys, handshake: Handshake): Promise<void> {
    try {
      if (await this.#start(otherendKeys)) while (!this.#ended) await this.#turn(handshake)
    } catch (error) {
      await this.end(toError(error))
    }
  }

  async #start(otherendKeys: OtherendKeys): Promise<boolean> {
    const { xenstore } = this.host
    if ((await readStateText(xenstore, this.path)).text === undefined) {
      await this.end(new XenError('ENODEV', `there is no device ${this.path}`, { detail: { path: this.path } }))
      return false
    }
    try {
      this.otherend = await readOtherend(xenstore, this.path, otherendKeys)
      await this.#watch(joinPath(this.path, KEY.state), () => undefined)
      await this.#watch(joinPath(this.otherend.path, KEY.state), () => {
        this.#otherendEvent = true
      })
      return true
    } catch (error) {
      await this.#tell(toError(error))
      await this.switchTo(XenbusState.Closed)
      throw error
    }
  }

  async #watch(path: string, onEvent: () => void): Promise<void> {
    const watch = await this.host.xenstore.watch(path)
    this.#watches.push(watch)
    void this.#pump(watch, onEvent)
  }

  async #pump(watch: Watch, onEvent: () => void): Promise<void> {
    try {
      for await (const _path of watch) {
        onEvent()
        this.wake()
      }
      this.#storeEnd = new XenError('CLOSED', 'the connection to XenStore has ended')
    } catch (error) {
      // A server that came later does not take the watch up.
      this.#storeEnd = toError(error)
    }
    this.wake()
  }

  async #turn(handshake: Handshake): Promise<void> {
    await this.#bell.wait()
    if (this.#storeEnd) throw this.#storeEnd
    try {
      if (this.#failure) throw this.#failure
      const otherendEvent = this.#otherendEvent
      this.#otherendEvent = false
      await handshake.react(await this.#look())
      if (otherendEvent && !this.#ended) await this.#hooks.otherendChanged(this.otherendState)
      this.#told = undefined
    } catch (error) {
      this.#failure = undefined
      await this.#giveUp(handshake, toError(error))
    }
  }

  /** Says why, once as long as nothing else happens: a peer's bad key is still bad when our own state has changed. */
  async #giveUp(handshake: Handshake, error: Error): Promise<void> {
    if (this.#storeEnd) throw error
    if (this.#told !== error.message || this.holding) await this.#tell(error)
    this.#told = error.message
    this.#opens.reject(error)
    await handshake.abandon(error)
  }

  async #look(): Promise<StatePair> {
    const [own, otherend] = await Promise.all([readStateText(this.host.xenstore, this.path), this.#readOtherend()])
    // Without our own directory it is over, whatever the other half's says.
    if (own.text === undefined) return { own: undefined, otherend: undefined }
    const pair = { own: parseState(own), otherend: parseState(otherend) }
    if (pair.otherend !== this.otherendState) {
      this.otherendState = pair.otherend
      this.#events.emit('otherend-state', pair.otherend)
    }
    return pair
  }

  /** What we may not read is gone if we could read it before; if not, somebody forgot the permission, and that is told. */
  async #readOtherend(): Promise<StateText> {
    const { xenstore } = this.host
    const { path } = this.otherend!
    if (this.#met) return readStateText(xenstore, path)
    const statePath = joinPath(path, KEY.state)
    const text = await xenstore.tryRead(statePath)
    this.#met = text !== undefined
    return { path: statePath, text }
  }

  async #tell(error: Error): Promise<void> {
    this.#report(error)
    await writeErrorNode(this.host, this.path, error)
  }

  #report(error: Error): void {
    if (this.#events.listenerCount('error') > 0) this.#events.emit('error', error)
  }
}

const parseState = ({ path, text }: StateText): XenbusState | undefined =>
  text === undefined ? undefined : parseKey(stateKey, path, text)

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))
