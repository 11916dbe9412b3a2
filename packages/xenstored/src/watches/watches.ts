import type { Domid } from '@split-driver/abi'
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

export interface WatchOptions {
  /** Absolute, or special. */
  readonly path: string
  /** Whatever bytes the client chose (rule 45). */
  readonly token: Uint8Array
  /** What relative paths of this client begin at, if the watch was registered by one (rule 45). */
  readonly base?: string | undefined
  /** How many levels below `path` are watched; all unless given. Of special paths 1 means those of one domain (rule 51). */
  readonly depth?: number | undefined
}

/** One watch of one client. */
export class Watch implements WatchOptions {
  readonly watcher: Watcher
  readonly path: string
  readonly token: Uint8Array
  readonly base: string | undefined
  readonly depth: number | undefined
  readonly #prefixLength: number

  constructor(watcher: Watcher, { path, token, base, depth }: WatchOptions) {
    this.watcher = watcher
    this.path = path
    this.token = token
    this.base = base
    this.depth = depth
    this.#prefixLength = base === undefined ? 0 : base.length + 1
  }

  /** Does it watch what lies so many levels below its path? */
  reaches(levels: number): boolean {
    return this.depth === undefined || levels <= this.depth
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
  #delivered = 0
  #size = 0

  /** How many there are. */
  get size(): number {
    return this.#size
  }

  /** Is this one told of what happens at its path? */
  has(watch: Watch): boolean {
    const names = namesOf(watch.path)
    return this.#levels(names)[names.length]?.watches.has(watch) ?? false
  }

  /** How many events there were for anybody so far. */
  get delivered(): number {
    return this.#delivered
  }

  add(watch: Watch): void {
    let level = this.#top
    for (const name of namesOf(watch.path)) {
      const below = level.below.get(name) ?? newLevel()
      level.below.set(name, below)
      level = below
    }
    this.#registered += 1
    this.#size += 1
    level.watches.set(watch, this.#registered)
  }

  remove(watch: Watch): void {
    const names = namesOf(watch.path)
    const levels = this.#levels(names)
    if (levels[names.length]?.watches.delete(watch)) this.#size -= 1
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
        if (mayKnow(watch.watcher.caller, event.path, before, after)) this.#deliver(watch, event.path)
      }
    }
  }

  /**
   * Tells that something befell a domain: by the happening's name to those who watch just that, by the domain's to those who
   * watch it alone or want to know which it is (`depth` 1). Who may know of one may know of the other (rule 51).
   * @see xen/tools/xenstored/domain.c fire_special_watches
   */
  happen(happening: string, domid: Domid, tree: Tree): void {
    const ofDomain = `${happening}/${domid}`
    const [all, one] = [this.#at(happening), this.#at(ofDomain)]
    for (const watch of inOrder([...all, ...one])) {
      if (!mayKnow(watch.watcher.caller, happening, tree, tree)) continue
      if (watch.path === ofDomain || (watch.depth ?? 0) > 0) this.#deliver(watch, ofDomain)
      else if (watch.depth === undefined) this.#deliver(watch, happening)
    }
  }

  #deliver(watch: Watch, path: string): void {
    this.#delivered += 1
    watch.watcher.deliver(watch, path)
  }

  #matching({ path, exact }: NodeEvent): readonly Watch[] {
    if (exact) return inOrder(this.#at(path))
    const names = namesOf(path)
    const levels = this.#levels(names)
    const found: [Watch, number][] = []
    let watched = 0
    for (const [level, { watches }] of levels.entries()) {
      if (watches.size > 0) watched += 1
      for (const entry of watches) if (entry[0].reaches(names.length - level)) found.push(entry)
    }
    // Those of one level are in order already.
    return watched > 1 ? inOrder(found) : found.map(([watch]) => watch)
  }

  /** The watches on exactly this path, each with its number. */
  #at(path: string): Iterable<[Watch, number]> {
    const names = namesOf(path)
    return this.#levels(names)[names.length]?.watches ?? []
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

/** As they were registered. */
const inOrder = (watches: Iterable<[Watch, number]>): Watch[] =>
  [...watches].sort(([, a], [, b]) => a - b).map(([watch]) => watch)

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
