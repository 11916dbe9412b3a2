import { XenError } from '@split-driver/abi'
import type { KeysToWrite } from '../keys/key-set.js'
import { KEY } from '../keys/keys.js'
import { XenbusState } from '../state.js'
import { joinPath } from '../wire/path.js'
import type { DeviceRun, Handshake, StatePair } from './device-run.js'

export interface FrontendHooks {
  publish(): KeysToWrite | Promise<KeysToWrite>
  connect(): KeysToWrite | void | Promise<KeysToWrite> | Promise<void>
  quiesce(): void | Promise<void>
}

/** Has the backend let go of our pages, as far as its state tells? */
const hasLetGo = (backend: XenbusState | undefined): boolean =>
  backend === undefined ||
  backend === XenbusState.Unknown ||
  backend === XenbusState.Initialising ||
  backend === XenbusState.Closed

const isLeaving = (backend: XenbusState | undefined): boolean =>
  backend === XenbusState.Closing || backend === XenbusState.Closed

/** Initialising, then Initialised once the ring is published, then Connected; on either half's wish Closing and Closed. */
export class FrontendHandshake implements Handshake {
  readonly #run: DeviceRun
  readonly #hooks: FrontendHooks
  /** We said Initialising. */
  #began = false
  /** The backend has been seen in a state of this life; what it says before that is the end of an earlier one. */
  #met = false
  #closing = false
  #quiesced = true
  #reason: Error | undefined

  constructor(run: DeviceRun, hooks: FrontendHooks) {
    this.#run = run
    this.#hooks = hooks
  }

  async react(states: StatePair): Promise<void> {
    const run = this.#run
    if (states.own === undefined) return run.endRemoved('removed', this.#reason)
    if (this.#began && states.own === XenbusState.Initialising && run.state !== states.own)
      return run.endRemoved('removed and made anew', this.#reason)
    if (!this.#closing && (run.closeRequested || this.#backendLeft(states.otherend))) await this.#beginClosing(states)
    if (this.#closing) return this.#finishClosing(states)
    if (!this.#began && !(await this.#begin(states))) return
    await this.#advance(states.otherend)
  }

  /** Nothing more is expected of this backend: the pages are taken back, and set aside as long as it still has them. */
  async abandon(error: Error): Promise<void> {
    this.#reason ??= error
    this.#closing = true
    await this.#run.sayClosing()
    await this.#run.switchTo(XenbusState.Closed)
    await this.#run.end(this.#reason)
  }

  #backendLeft(backend: XenbusState | undefined): boolean {
    if (!this.#met) return false
    // Closed without Closing before it means the same (rule 34).
    return isLeaving(backend) || backend === undefined
  }

  /** @returns whether our directory says Initialising, so that the backend may begin */
  async #begin({ own, otherend }: StatePair): Promise<boolean> {
    const run = this.#run
    if (own !== XenbusState.Initialising) {
      const stillHeld = !hasLetGo(otherend) && otherend !== XenbusState.InitWait
      // An earlier life of ours left a ring behind that the backend still uses.
      if (stillHeld) return run.switchTo(XenbusState.Closed).then(() => false)
      if (!(await run.switchTo(XenbusState.Initialising))) return false
    }
    run.noteState(XenbusState.Initialising)
    this.#began = true
    return true
  }

  async #advance(backend: XenbusState | undefined): Promise<void> {
    const run = this.#run
    if (isLeaving(backend)) return this.#awaitReturn(backend)
    if (backend === undefined) return
    this.#met = true
    const ready = backend === XenbusState.Connected
    if (!run.holding && (ready || backend === XenbusState.InitWait || backend === XenbusState.Initialised)) {
      run.holding = true
      const keys = await this.#hooks.publish()
      if (!(await run.switchTo(XenbusState.Initialised, { keys }))) return
    }
    if (ready && run.holding && !run.connected) await run.connect(() => this.#hooks.connect())
  }

  /** A closed backend comes back to a new frontend only while it is online (rule 35). */
  async #awaitReturn(backend: XenbusState | undefined): Promise<void> {
    if (backend !== XenbusState.Closed) return
    const path = this.#run.otherend!.path
    if ((await this.#run.host.xenstore.tryRead(joinPath(path, KEY.online))) === '1') return
    throw new XenError('CLOSED', `the backend ${path} is closed and not online`, { detail: { path } })
  }

  async #beginClosing({ otherend }: StatePair): Promise<void> {
    const run = this.#run
    this.#closing = true
    if (!run.closeRequested)
      this.#reason = new XenError('CLOSED', `the backend closed ${run.path}`, { detail: { path: run.path } })
    await run.sayClosing()
    if (!run.connected || run.forced || hasLetGo(otherend)) return
    this.#quiesced = false
    void this.#quiesce()
  }

  /** Runs beside the reactions: the backend may go away while what is outstanding comes to its end. */
  async #quiesce(): Promise<void> {
    try {
      await this.#hooks.quiesce()
    } catch (error) {
      this.#run.fail(error instanceof Error ? error : new Error(String(error)))
    }
    this.#quiesced = true
    this.#run.wake()
  }

  async #finishClosing({ otherend }: StatePair): Promise<void> {
    const run = this.#run
    const free = run.forced || hasLetGo(otherend)
    if (!this.#quiesced && !free) return
    if (run.state !== XenbusState.Closed && !(await run.switchTo(XenbusState.Closed))) return
    if (run.holding && !free) return
    await run.end(this.#reason)
  }
}
