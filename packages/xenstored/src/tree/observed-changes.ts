import type { Observers } from '../server-observer.js'
import { createdBytes, storedBytes } from './accounting.js'
import type { StoreRecorder, Touched } from './store.js'
import type { Tree } from './tree.js'
import type { Change } from './workspace.js'

/** Tells a server's observers which nodes are set and removed. */
export class ObservedChanges implements StoreRecorder {
  readonly #observers: Observers

  constructor(observers: Observers) {
    this.#observers = observers
  }

  change(before: Tree, change: Change): void {
    const { current } = this.#observers
    if (current === undefined) return
    const { path } = change
    switch (change.kind) {
      case 'create': {
        const { missing } = before.descend(path)
        for (const [index, made] of missing.entries()) current.stored?.(made, createdBytes(change, missing, index))
        break
      }
      case 'write':
      case 'permit':
        current.stored?.(path, storedBytes(path, { ...before.get(path)!, ...change }))
        break
      case 'remove':
        current.removed?.(path)
        break
    }
  }

  commit(after: Tree, touched: Touched): void {
    const { current } = this.#observers
    if (current === undefined) return
    for (const [path, { removed }] of touched) if (removed) current.removed?.(path)
    for (const path of touched.keys()) {
      const node = after.get(path)
      if (node !== undefined) current.stored?.(path, storedBytes(path, node))
    }
  }
}
