/** What needs Node: disks in files. */
export { FileBlockStore, type FileBlockStoreOptions } from './node/file-block-store.js'
