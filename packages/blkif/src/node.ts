/** What needs Node: disks in files, and on servers that speak NBD. */
export { FileBlockStore, type FileBlockStoreOptions } from './node/file-block-store.js'
export { NbdBlockStore, type NbdBlockStoreOptions } from './node/nbd-block-store.js'
