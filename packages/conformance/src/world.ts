import type { Domid, Port, SharedMemory } from '@split-driver/abi'
import type { EventChannels } from '@split-driver/evtchn'
import type { Platform } from '@split-driver/platform'
import type { DeviceOptions } from '@split-driver/xenbus'
import type { StoreAccess } from './store-access.js'
import type { WorldCapabilities } from './world-capabilities.js'

/**
 * A machine to prove things on: a control domain, a XenStore that serves every domain, and a toolstack. Suites know
 * nothing else of it, so they run unchanged on an emulated machine and on a real one.
 */
export interface World extends AsyncDisposable {
  /** The control domain. The console and block daemons that a suite needs are started by the suite itself. */
  readonly dom0: Platform
  readonly supports: WorldCapabilities
  readonly toolstack: Toolstack
  /** Where `supports.storeWire`. */
  readonly store?: StoreAccess | undefined

  /**
   * Builds a domain, introduces it to XenStore and returns when its platform can be used. A world in which that takes long
   * may give one that an earlier case has left, unless the domain is to have a name.
   */
  createGuest(options?: GuestOptions): Promise<GuestHandle>

  /** A domain beside the control domain and the guests, of which nothing is needed but its number. */
  stranger(): Promise<Domid>

  /**
   * What is open now through the platforms of this world, one line an entry: ports, grants, mappings, watches,
   * transactions. Not what the world opened by itself to run a domain (its start-of-day ports and rings, XenStore's end
   * of them). Every suite demands that it be empty when a test ends.
   */
  ledger(): Promise<readonly string[]>
}

export interface GuestOptions {
  /** Value of the domain's `name` key. */
  readonly name?: string
}

/** A guest as the suite drives it. */
export interface GuestHandle {
  readonly domid: Domid
  readonly platform: Platform
  /** What start-of-day tells the guest of its primary console. */
  readonly console: GuestConsole
  /** Ends the domain as a crash would: nothing of its own is closed in order. Idempotent. */
  destroy(): Promise<void>
}

export interface GuestConsole {
  /** The ring page, granted to dom0 by the reserved reference 0. */
  readonly memory: SharedMemory
  readonly port: Port
  /** Where the port is, if it is not the platform's own: a process cannot take over a port of its kernel's. */
  readonly events?: EventChannels
}

/** The control domain's duties that no driver may take on. */
export interface Toolstack {
  /**
   * Creates both halves' XenStore directories of a device with their permissions (each half owns its own, the other
   * reads), `backend`, `backend-id`, `frontend`, `frontend-id` and `state` 1, in one transaction. The backend is dom0.
   */
  attachDevice(guest: GuestHandle, options: DeviceOptions): Promise<DeviceHandle>
}

export interface DeviceHandle {
  /** Absolute. */
  readonly frontendPath: string
  /** Absolute. */
  readonly backendPath: string
  /** Removes both directories, whatever state the halves are in. Idempotent. */
  remove(): Promise<void>
}
