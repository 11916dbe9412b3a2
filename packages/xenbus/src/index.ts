export type { ByteChannel } from './byte-channel.js'
export type { Permission, PermissionKind } from './permission.js'
export { XenbusState } from './state.js'
export type { Watch, XenStore, XenStoreOperations } from './xenstore.js'
