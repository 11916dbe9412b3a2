import { parentPath } from '@split-driver/xenbus'
import type { Caller } from '../domains/domain-record.js'
import { mayRead } from '../tree/permissions.js'
import { namesOf, type Tree } from '../tree/tree.js'
import type { NodeEvent } from '../tree/workspace.js'

/** Who is told. */
export interface Watcher {
  readonly caller: Caller
  /** Something happened at `path`, which is as the watch's own path or below it, and absolute. */
  deliver(watch: Watch, path: string): void
}

/** One watch of one client. */
export class Watch {
  readonly watcher: Watcher
  /** Absolute, or special. */
  readonly path: string
  /** Whatever bytes the client chose (rule 45). */
  readonly token: Uint8Array
  readonly #prefixLength: number

  /** @param base what relative paths of this client begin at, if the watch was registered by one (rule 45) */
  constructor(watcher: Watcher, path: string, token: Uint8Array, base: string | undefined) {
    this.watcher = watcher
    this.path = path
    this.token = token
    this.#prefixLength = base === undefined ? 0 : base.length + 1
  }

  /** `path` as the client knows it. */
  shown(path: string): string {
    return path.slice(this.#prefixLength)
  }
}

/** All watches of all clients. */
export class Watches {
  readonly #top = newLevel()
  /** Counts registrations: a client's events for one change come in the order in which it registered its watches. */
  #registered = 0

  add(watch: Watch): void {
    let level = this.#top
    for (const name of namesOf(watch.path)) {
      const below = level.below.get(name) ?? newLevel()
      level.below.set(name, below)
      level = below
    }
    this.#registered += 1
    level.watches.set(watch, this.#registered)
  }

  remove(watch: Watch): void {
    const names = namesOf(watch.path)
    const levels = this.#levels(names)
    levels[names.length]?.watches.delete(watch)
    for (let i = names.length; i > 0; i--) {
      const level = levels[i]
      if (level === undefined) continue
      if (level.watches.size > 0 || level.below.size > 0) return
      levels[i - 1]!.below.delete(names[i - 1]!)
    }
  }

  /** Tells of what happened between two trees. */
  fire(events: Iterable<NodeEvent>, before: Tree, after: Tree): void {
    if (this.#top.below.size === 0) return
    for (const event of events) {
      const watches = this.#matching(event)
      if (watches.length === 0 || !existed(event.path, before, after)) continue
      for (const watch of watches) {
        if (mayKnow(watch.watcher.caller, event.path, before, after)) watch.watcher.deliver(watch, event.path)
      }
    }
  }

  #matching({ path, exact }: NodeEvent): readonly Watch[] {
    const names = namesOf(path)
    const levels = this.#levels(names)
    const found = (exact ? levels.slice(names.length) : levels).flatMap(({ watches }) => [...watches])
    return found.sort(([, a], [, b]) => a - b).map(([watch]) => watch)
  }

  /** The levels that `names` lead to, the topmost first, as far as there are watches. */
  #levels(names: readonly string[]): Level[] {
    const levels = [this.#top]
    for (const name of names) {
      const below = levels.at(-1)!.below.get(name)
      if (below === undefined) break
      levels.push(below)
    }
    return levels
  }
}

/** The watches on one path, with when each was registered, and where those on longer paths are. */
interface Level {
  readonly watches: Map<Watch, number>
  readonly below: Map<string, Level>
}

const newLevel = (): Level => ({ watches: new Map(), below: new Map() })

/** What a transaction made and removed again never happened. */
const existed = (path: string, before: Tree, after: Tree): boolean =>
  before.get(path) !== undefined || after.get(path) !== undefined

/**
 * A client learns of a node that it may read, before the change or after, or whose parent it may read.
 * @see xen/tools/xenstored/watch.c watch_permitted
 */
const mayKnow = (caller: Caller, path: string, before: Tree, after: Tree): boolean => {
  if (caller.privileged) return true
  const parent = parentPath(path) ?? '/'
  return [before.get(path), after.get(path), before.get(parent), after.get(parent)].some(
    (node) => node !== undefined && mayRead(caller, node.permissions),
  )
}
