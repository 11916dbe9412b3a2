import type { Platform } from '@split-driver/platform'
import { BackendBus } from '@split-driver/xenbus'
import { BlkifBackend, type BlkifBackendOptions } from './blkif-backend.js'

export interface BlkifBackendBusOptions extends BlkifBackendOptions {
  /** The directory below `backend/` that is served; `vbd` unless given. Linux's own xen-blkback looks into `vbd` alone. */
  readonly kind?: string
}

/** Serves every virtual disk below `backend/<kind>` as they come and go, each through a store that the caller opens. */
export class BlkifBackendBus extends BackendBus<BlkifBackend> {
  constructor(platform: Platform, options: BlkifBackendBusOptions) {
    super(platform, options.kind ?? 'vbd', (path) => new BlkifBackend(platform, path, options))
  }
}
