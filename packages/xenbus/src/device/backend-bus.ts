import { DOMID_FIRST_RESERVED, type Domid, domid, XenError } from '@split-driver/abi'
import { EventEmitter } from 'events'
import type TypedEmitter from 'typed-emitter'
import { KEY } from '../keys/keys.js'
import { XenbusState } from '../state.js'
import { switchState } from '../switch-state.js'
import { joinPath } from '../wire/path.js'
import type { Watch } from '../xenstore.js'
import type { BackendDevice } from './backend-device.js'
import type { DeviceHost } from './device-host.js'
import { writeErrorNode } from './error-node.js'

export type BackendBusEvents = {
  /** A device has come; its handshake begins when the listeners have returned. */
  device: (device: BackendDevice) => void
  /** A device is done with for good. */
  'device-closed': (device: BackendDevice, reason: Error | undefined) => void
  /** A device could not be made, or XenStore could not be read. The others go on. Without a listener nothing is thrown. */
  error: (error: Error, path: string) => void
}

/** Makes the backend for a device's directory: `(path) => new PinBackend(platform, path)`. */
export type BackendFactory<Device extends BackendDevice> = (path: string, frontendDomid: Domid) => Device

/** A device's directory as the bus knows it; without a device if none could be made. */
interface Slot<Device> {
  readonly device: Device | undefined
  live: boolean
}

const Emitter = EventEmitter as unknown as new () => TypedEmitter<BackendBusEvents>

const DOMID_NAME = /^(0|[1-9][0-9]{0,4})$/

/**
 * Serves every device of one type as they come and go: one backend for each `backend/<type>/<frontend's domid>/<id>` of
 * our own domain. A directory that is not there any more takes its backend with it.
 */
export class BackendBus<Device extends BackendDevice = BackendDevice> extends Emitter implements AsyncDisposable {
  readonly root: string
  readonly #host: DeviceHost
  readonly #create: BackendFactory<Device>
  readonly #slots = new Map<string, Slot<Device>>()
  #watch: Watch | undefined
  /** Looks at one thing at a time, whoever asked for it. */
  #looking = Promise.resolve()
  #closed = false

  constructor(host: DeviceHost, type: string, create: BackendFactory<Device>) {
    super()
    this.#host = host
    this.root = `backend/${type}`
    this.#create = create
  }

  /** Those that are being served now. */
  get devices(): Device[] {
    return [...this.#slots.values()].flatMap(({ device, live }) => (device && live ? [device] : []))
  }

  /** Begins: what is there already is served, what comes later too. Once. @throws XenError EACCES ENOSPC CLOSED */
  async open(): Promise<this> {
    const watch = await this.#host.xenstore.watch(this.root)
    this.#watch = watch
    void this.#follow(watch)
    return this
  }

  /** Closes every device and takes no more. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#watch?.close()
    await this.#looking
    await Promise.allSettled(this.devices.map((device) => device.close()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #follow(watch: Watch): Promise<void> {
    try {
      for await (const path of watch) await this.#lookLater(path)
    } catch (error) {
      this.#report(error, this.root)
    }
  }

  #lookLater(path: string): Promise<void> {
    this.#looking = this.#looking.then(async () => {
      try {
        if (!this.#closed) await this.#look(path)
      } catch (error) {
        this.#report(error, path)
      }
    })
    return this.#looking
  }

  async #look(path: string): Promise<void> {
    const names = path
      .slice(this.root.length + 1)
      .split('/')
      .filter(Boolean)
    const device = joinPath(this.root, ...names.slice(0, 2))
    await (names.length < 2 ? this.#scan(device, names.length) : this.#check(device, names[0]!))
  }

  /** @param depth 0 for the type's directory, 1 for a domain's */
  async #scan(directory: string, depth: number): Promise<void> {
    const known = [...this.#slots.keys()].filter((path) => path.startsWith(`${directory}/`))
    const knownNames = known.map((path) => path.slice(directory.length + 1).split('/')[0]!)
    for (const name of new Set([...knownNames, ...(await this.#list(directory))])) {
      if (depth === 0) await this.#scan(joinPath(directory, name), 1)
      else await this.#check(joinPath(directory, name), directory.slice(this.root.length + 1))
    }
  }

  async #list(directory: string): Promise<string[]> {
    try {
      return await this.#host.xenstore.directory(directory)
    } catch (error) {
      if (XenError.is(error, 'ENOENT')) return []
      throw error
    }
  }

  /** A living device looks after itself, also after its end: its keys change all the time. */
  async #check(path: string, domidName: string): Promise<void> {
    const slot = this.#slots.get(path)
    if (slot?.live) return
    const state = await this.#host.xenstore.tryRead(joinPath(path, KEY.state))
    if (slot && !this.#isAnother(slot, state)) return
    this.#slots.delete(path)
    if (state === undefined || !DOMID_NAME.test(domidName) || Number(domidName) >= DOMID_FIRST_RESERVED) return
    await this.#serve(path, domid(Number(domidName)))
  }

  /** The directory of an ended device is gone, or has been made anew since: it begins where ours had already been. */
  #isAnother({ device }: Slot<Device>, state: string | undefined): boolean {
    if (state === undefined) return true
    const hadBegun = device !== undefined && device.state > XenbusState.Initialising
    return hadBegun && state === String(XenbusState.Initialising)
  }

  async #serve(path: string, frontendDomid: Domid): Promise<void> {
    let device: Device
    try {
      device = this.#create(path, frontendDomid)
    } catch (error) {
      this.#slots.set(path, { device: undefined, live: false })
      this.#report(error, path)
      await writeErrorNode(this.#host, path, error instanceof Error ? error : new Error(String(error)))
      await switchState(this.#host.xenstore, path, XenbusState.Closed)
      return
    }
    const slot = { device, live: true }
    this.#slots.set(path, slot)
    device.once('closed', (reason) => {
      slot.live = false
      this.emit('device-closed', device, reason)
      void this.#lookLater(path)
    })
    this.emit('device', device)
    void device.open()
  }

  #report(error: unknown, path: string): void {
    if (this.listenerCount('error') === 0) return
    this.emit('error', error instanceof Error ? error : new Error(String(error)), path)
  }
}
