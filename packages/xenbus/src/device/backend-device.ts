import type { KeysToWrite } from '../keys/key-set.js'
import { BackendHandshake } from './backend-handshake.js'
import type { DeviceHost } from './device-host.js'
import type { Handshake } from './device-run.js'
import { FRONTEND_KEYS, type OtherendKeys } from './otherend.js'
import { XenbusDevice } from './xenbus-device.js'

/**
 * The driver domain's half of a device, to be extended by a driver. It outlives its frontend: when that closes and the
 * device is `online`, the next one is offered to again (rule 35). Hooks run one at a time; what they throw fails the
 * device, nothing else, and a frontend that begins anew may try again.
 */
export abstract class BackendDevice<Host extends DeviceHost = DeviceHost> extends XenbusDevice<Host> {
  /**
   * A frontend will come. Called before each connection.
   * @returns features to advertise, written in one transaction with our state InitWait
   */
  protected offer(): KeysToWrite | Promise<KeysToWrite> {
    return {}
  }

  /**
   * The frontend has published: read its keys, map its ring, bind its port.
   * @returns keys that the frontend will read, written in one transaction with our state Connected
   */
  protected abstract connect(): KeysToWrite | void | Promise<KeysToWrite> | Promise<void>

  /**
   * Something that the frontend read has changed: writes it and our state Connected, the same as before, in one
   * transaction (rule 30).
   * @returns false if there was nobody to tell: we are not connected any more
   */
  protected async announce(keys: KeysToWrite): Promise<boolean> {
    return this.run.connected && (await this.run.tellAgain(keys))
  }

  /** Says Closing, frees everything at once, says Closed. Waits for no frontend. */
  close(): Promise<void> {
    this.run.requestClose(true)
    return this.run.closed
  }

  /** @internal */
  protected otherendKeys(): OtherendKeys {
    return FRONTEND_KEYS
  }

  /** @internal */
  protected handshake(): Handshake {
    return new BackendHandshake(this.run, { offer: () => this.offer(), connect: () => this.connect() })
  }
}
