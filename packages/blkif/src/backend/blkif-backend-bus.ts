import type { Platform } from '@split-driver/platform'
import { BackendBus } from '@split-driver/xenbus'
import { BlkifBackend, type BlkifBackendOptions } from './blkif-backend.js'

/** Serves every virtual disk below `backend/vbd` as they come and go, each through a store that the caller opens. */
export class BlkifBackendBus extends BackendBus<BlkifBackend> {
  constructor(platform: Platform, options: BlkifBackendOptions) {
    super(platform, 'vbd', (path) => new BlkifBackend(platform, path, options))
  }
}
