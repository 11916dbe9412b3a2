import { type Domid, XenError } from '@split-driver/abi'
import { EventEmitter } from 'events'
import type TypedEmitter from 'typed-emitter'
import type { KeySet, KeyShapes, KeyValues } from '../keys/key-set.js'
import type { XenbusState } from '../state.js'
import type { DeviceEvents } from './device-events.js'
import type { DeviceHost } from './device-host.js'
import { DeviceRun, type Handshake } from './device-run.js'
import type { Otherend, OtherendKeys } from './otherend.js'

const Emitter = EventEmitter as unknown as new () => TypedEmitter<DeviceEvents>

export interface OpenOptions {
  /** Gives the opening up, and closes the device. */
  readonly signal?: AbortSignal
}

/** What both halves have in common. A driver extends `FrontendDevice` or `BackendDevice`. */
export abstract class XenbusDevice<Host extends DeviceHost> extends Emitter implements AsyncDisposable {
  readonly host: Host
  /** The device's directory in our own domain: `device/vbd/51712`, `backend/vbd/1/51712`. */
  readonly path: string
  /** @internal */
  protected readonly run: DeviceRun

  constructor(host: Host, path: string) {
    super()
    this.host = host
    this.path = path
    this.run = new DeviceRun(host, path, this, {
      disconnect: () => this.disconnect(),
      otherendChanged: (state) => this.otherendChanged(state),
    })
  }

  /** Our state as we last wrote it. */
  get state(): XenbusState {
    return this.run.state
  }

  /** The other half's state as we last saw it; `undefined` when it is not there. */
  get otherendState(): XenbusState | undefined {
    return this.run.otherendState
  }

  /** The other half. Known in every hook. @throws XenError CLOSED before the device has been opened */
  get otherend(): Otherend {
    if (this.run.otherend) return this.run.otherend
    throw new XenError('CLOSED', `${this.path} is not open`)
  }

  /**
   * Begins the handshake. Resolves when both halves are Connected for the first time; need not be waited for.
   * @throws XenError ENODEV no such device, ENOENT BAD_KEY a key of the other half is missing or makes no sense, CLOSED
   * it was closed before, ABORTED by `signal`; and whatever a hook threw
   */
  open({ signal }: OpenOptions = {}): Promise<this> {
    this.run.begin(this.otherendKeys(), this.handshake())
    const opened = this.run.opened.then(() => this)
    opened.catch(() => undefined)
    return signal === undefined ? opened : this.#unlessAborted(opened, signal)
  }

  /** Closes this half and frees what it holds. Idempotent. */
  abstract close(): Promise<void>

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Frees ring, pages and ports: called once for each connection that was begun, however far it got. */
  protected abstract disconnect(): void | Promise<void>

  /**
   * The other half wrote its state, maybe the same one again, which tells that other keys changed (rule 30). Called
   * after this half has reacted to it. Several writes may show as one (rule 36).
   */
  protected otherendChanged(_state: XenbusState | undefined): void | Promise<void> {}

  /**
   * The device has failed: its error node is written, the connection is given up, state Closed. Only notes the error, so
   * that a drain loop may call it.
   */
  protected fail(error: Error): void {
    this.run.fail(error)
  }

  /** What a ring connection asks of its device: `FrontConnection.open(this.host, { ...this.peer, slotBytes, serve })`. */
  protected get peer(): { readonly remoteDomid: Domid; readonly onBroken: (error: XenError) => void } {
    return { remoteDomid: this.otherend.domid, onBroken: (error) => this.fail(error) }
  }

  /** Keys of the other half's directory. @throws XenError ENOENT BAD_KEY EACCES */
  protected readOtherend<Shapes extends KeyShapes>(keys: KeySet<Shapes>): Promise<KeyValues<Shapes>> {
    return keys.read(this.host.xenstore, this.otherend.path)
  }

  /** Keys of our own directory: what the toolstack wrote for us. @throws XenError ENOENT BAD_KEY */
  protected readOwn<Shapes extends KeyShapes>(keys: KeySet<Shapes>): Promise<KeyValues<Shapes>> {
    return keys.read(this.host.xenstore, this.path)
  }

  /** @internal */
  protected abstract otherendKeys(): OtherendKeys
  /** @internal */
  protected abstract handshake(): Handshake

  #unlessAborted(opened: Promise<this>, signal: AbortSignal): Promise<this> {
    const aborted = new Promise<never>((_resolve, reject) => {
      const abort = (): void => {
        this.run.requestClose(true)
        reject(new XenError('ABORTED', `opening ${this.path} was given up`, { cause: signal.reason }))
      }
      if (signal.aborted) return abort()
      signal.addEventListener('abort', abort, { once: true })
      const forget = (): void => signal.removeEventListener('abort', abort)
      opened.then(forget, forget)
    })
    return Promise.race([opened, aborted])
  }
}
