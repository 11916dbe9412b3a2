export type { ByteChannel } from './byte-channel.js'
export { ByteQueue } from './channel/byte-queue.js'
export { channelPair } from './channel/channel-pair.js'
export { type BytePort, MessagePortChannel } from './channel/message-port-channel.js'
export { listenForRing, RingChannel } from './channel/ring-channel.js'
export { RingLink } from './channel/ring-link.js'
export { type BackOffSpan, longestWait, type Pacing } from './client/back-off.js'
export { TRANSACTION_TRIES } from './client/run-transaction.js'
export type { Connect } from './client/session.js'
export {
  RECONNECT_BACK_OFF,
  TRANSACTION_BACK_OFF,
  XenStoreClient,
  type XenStoreClientEvents,
  type XenStoreClientOptions,
} from './client/xenstore-client.js'
export { BackConnection, type BackConnectionOptions, eachRequest } from './connection/back-connection.js'
export { eachResponse, FrontConnection, type FrontConnectionOptions } from './connection/front-connection.js'
export { type ConnectionHost, PASS_LIMIT, type Served } from './connection/ring-connection.js'
export { ringKeys } from './connection/ring-keys.js'
export { BackendBus, type BackendBusEvents, type BackendFactory } from './device/backend-bus.js'
export { BackendDevice } from './device/backend-device.js'
export {
  AttachedDevice,
  type DeviceOptions,
  removeIfThere,
  writeDeviceDirectories,
} from './device/device-directories.js'
export type { DeviceEvents } from './device/device-events.js'
export type { DeviceHost } from './device/device-host.js'
export { errorNode } from './device/error-node.js'
export { type CloseOptions, FrontendDevice } from './device/frontend-device.js'
export type { Otherend } from './device/otherend.js'
export type { OpenOptions } from './device/xenbus-device.js'
export * from './keys/key.js'
export {
  type KeySet,
  type KeyShapes,
  type KeysToWrite,
  type KeyValues,
  keySet,
  type SomeKeyValues,
} from './keys/key-set.js'
export { KEY } from './keys/keys.js'
export * from './observe.js'
export type { Permission, PermissionKind } from './permission.js'
export { XenbusState } from './state.js'
export { type SwitchOutcome, type SwitchStateOptions, switchState } from './switch-state.js'
export { isLegalTransition } from './transitions.js'
export * from './wire/index.js'
export type {
  CallOptions,
  TransactionOptions,
  Watch,
  WatchOptions,
  XenStore,
  XenStoreOperations,
} from './xenstore.js'
export type { XenStoreAdmin } from './xenstore-admin.js'
