import type { KeysToWrite } from '../keys/key-set.js'
import type { DeviceHost } from './device-host.js'
import type { Handshake } from './device-run.js'
import { FrontendHandshake } from './frontend-handshake.js'
import { BACKEND_KEYS, type OtherendKeys } from './otherend.js'
import { XenbusDevice } from './xenbus-device.js'

export interface CloseOptions {
  /** Ends the wait for the backend: pages that it still has mapped are set aside. */
  readonly signal?: AbortSignal
}

/**
 * The guest's half of a device, to be extended by a driver: say what to publish, what to do when the backend is
 * connected, and how to free it all. Hooks run one at a time; what they throw fails the device, nothing else.
 *
 *     const disk = await new BlkifFrontend(platform, 'device/vbd/51712').open()
 */
export abstract class FrontendDevice<Host extends DeviceHost = DeviceHost> extends XenbusDevice<Host> {
  /**
   * The backend waits: allocate the ring and the port for `otherend.domid`.
   * @returns the keys that name them, written in one transaction with our state Initialised
   */
  protected abstract publish(): KeysToWrite | Promise<KeysToWrite>

  /**
   * The backend is Connected: read its keys.
   * @returns more keys of our own if there are any, written in one transaction with our state Connected
   */
  protected abstract connect(): KeysToWrite | void | Promise<KeysToWrite> | Promise<void>

  /**
   * The connection will end: take no new requests and let those under way finish. Not waited for any longer when the
   * backend goes away first. `disconnect` follows when the backend has let go of our pages.
   */
  protected quiesce(): void | Promise<void> {}

  /**
   * Says Closing, lets requests finish, says Closed, waits until the backend has let go, and frees everything. A backend
   * that never answers is waited for until its directory goes, unless `signal` ends the wait.
   */
  close({ signal }: CloseOptions = {}): Promise<void> {
    this.run.requestClose(signal?.aborted === true)
    const force = (): void => this.run.requestClose(true)
    signal?.addEventListener('abort', force, { once: true })
    return this.run.closed.finally(() => signal?.removeEventListener('abort', force))
  }

  /** @internal */
  protected otherendKeys(): OtherendKeys {
    return BACKEND_KEYS
  }

  /** @internal */
  protected handshake(): Handshake {
    return new FrontendHandshake(this.run, {
      publish: () => this.publish(),
      connect: () => this.connect(),
      quiesce: () => this.quiesce(),
    })
  }
}
