import type { Watch } from '../watches/watches.js'
import { type StateRecord, UNLIMITED_DEPTH } from './stream/records.js'

/** As it was registered. A depth needs the stream's second version. */
export const saveWatch = (connId: number, watch: Watch, version: number): StateRecord => {
  const { token, depth } = watch
  const path = watch.shown(watch.path)
  if (depth === undefined || version < 2) return { kind: 'WATCH_DATA', connId, path, token }
  // No path has so many levels: it is all the same.
  return { kind: 'WATCH_DATA_EXTENDED', connId, path, token, depth: Math.min(depth, UNLIMITED_DEPTH - 1) }
}
