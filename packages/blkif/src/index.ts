export type { BlockStore } from './block-store.js'
