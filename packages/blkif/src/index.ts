export { BlkifBackend, type BlkifBackendOptions, type DiskDescription } from './backend/blkif-backend.js'
export { BlkifBackendBus, type BlkifBackendBusOptions } from './backend/blkif-backend-bus.js'
export { type BlkifBackendStats, emptyBackendStats } from './backend/blkif-backend-stats.js'
export { RequestEngine, type RequestEngineOptions, type Served } from './backend/request-engine.js'
export type { BlockDevice } from './block-device.js'
export type { BlockStore, DiscardUnits } from './block-store.js'
export { BlkifFrontend } from './frontend/blkif-frontend.js'
export type {
  BlkifFrontendOptions,
  BlkifOpenOptions,
  DiscardOptions,
  TransferMemory,
  TransferOptions,
} from './frontend/blkif-frontend-options.js'
export { type BlkifFrontendStats, emptyFrontendStats } from './frontend/blkif-frontend-stats.js'
export { ByteDevice, type SectorDisk } from './frontend/byte-device.js'
export { IoBuffer } from './frontend/io-buffer.js'
export type { DiscardSupport } from './frontend/optional-operations.js'
export type { TransferRequest } from './frontend/transfer.js'
export { TransferEngine, type TransferEngineOptions } from './frontend/transfer-engine.js'
export type { ByteReceiver, ByteStream, Dial } from './nbd/byte-stream.js'
export type { NbdClientOptions, NbdObserver, NbdTuning } from './nbd/nbd-client-options.js'
export { NbdDisk, type NbdDiskOptions } from './nbd/nbd-disk.js'
export type { NbdTarget } from './nbd/nbd-link.js'
export { type NbdUri, parseNbdUri } from './nbd/nbd-uri.js'
export {
  FaultyBlockStore,
  type FaultyBlockStoreOptions,
  type StoreFault,
  type StoreOperation,
} from './store/faulty-block-store.js'
export { MemoryBlockStore, type MemoryBlockStoreOptions } from './store/memory-block-store.js'
export { OverlayBlockStore, type OverlayOptions } from './store/overlay-block-store.js'
export { VolatileBlockStore } from './store/volatile-block-store.js'
export * from './wire/blkif-abi.js'
export * as blkifKeys from './wire/keys.js'
export * from './wire/operations.js'
export { type RequestLayouts, requestLayouts, segmentLayout } from './wire/request-layouts.js'
export { virtualDeviceName, virtualDeviceNumber } from './wire/virtual-device.js'
