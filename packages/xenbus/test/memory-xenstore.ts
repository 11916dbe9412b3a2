import { type Domid, type FrameNumber, type Port, XenError } from '@split-driver/abi'
import {
  absolutePath,
  domainPath,
  isWithin,
  type Permission,
  parentPath,
  toBytes,
  toText,
  type Watch,
  type XenStore,
  type XenStoreOperations,
} from '@split-driver/xenbus'

/** One write or removal, in the order of their taking effect; those of one transaction share `commit`. */
export interface Change {
  readonly domid: Domid
  readonly commit: number
  readonly path: string
  readonly value: string | undefined
}

/** Microtasks that pass before an operation takes effect; a test varies them to try other orders. */
export type Hops = () => number

/**
 * XenStore in memory, without permissions, for tests of what is built on it: each domain has a view. Ends may be told
 * apart by their `changes`.
 */
export class MemoryXenStore {
  readonly nodes = new Map<string, string>([['/', '']])
  readonly changes: Change[] = []
  readonly watches = new Set<MemoryWatch>()
  readonly hops: Hops
  commits = 0
  /** Transactions to fail with EAGAIN at their commit. */
  conflicts = 0
  /** Called before each commit takes effect. */
  beforeCommit: (() => void) | undefined

  constructor(hops: Hops = () => 1) {
    this.hops = hops
  }

  view(domid: number): MemoryView {
    return new MemoryView(this, domid as Domid)
  }

  apply(changes: readonly Change[]): void {
    for (const change of changes) {
      const { path, value } = change
      this.changes.push(change)
      if (value === undefined) this.#remove(path)
      else {
        put(this.nodes, path, value)
        this.#fire(path)
      }
    }
  }

  #remove(path: string): void {
    const gone = [...this.nodes.keys()].filter((node) => isWithin(node, path))
    for (const node of gone) this.nodes.delete(node)
    this.#fire(path)
    // Below it, only watches on exactly the removed path fire (rule 46).
    for (const watch of this.watches) if (gone.includes(watch.full) && watch.full !== path) watch.tell(watch.full)
  }

  #fire(path: string): void {
    for (const watch of this.watches) if (isWithin(path, watch.full)) watch.tell(path)
  }
}

const put = (nodes: Map<string, string>, path: string, value: string): void => {
  for (let above = parentPath(path); above && !nodes.has(above); above = parentPath(above)) nodes.set(above, '')
  nodes.set(path, value)
}

class MemoryWatch implements Watch {
  readonly path: string
  readonly full: string
  readonly token = ''
  readonly #store: MemoryXenStore
  readonly #paths = new Set<string>()
  #wake: (() => void) | undefined
  #ended = false

  constructor(store: MemoryXenStore, path: string, full: string) {
    this.#store = store
    this.path = path
    this.full = full
  }

  tell(full: string): void {
    this.#paths.add(this.path === this.full ? full : this.path + full.slice(this.full.length))
    this.#wake?.()
  }

  end(): void {
    this.#ended = true
    this.#store.watches.delete(this)
    this.#wake?.()
  }

  async close(): Promise<void> {
    this.#paths.clear()
    this.end()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async *[Symbol.asyncIterator](): AsyncIterator<string> {
    for (;;) {
      for (const path of this.#paths) {
        this.#paths.delete(path)
        yield path
      }
      if (this.#ended) return
      if (this.#paths.size === 0) await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

const unsupported = (): never => {
  throw new Error('not in this fake')
}

class MemoryOperations implements XenStoreOperations {
  readonly store: MemoryXenStore
  readonly domid: Domid

  constructor(store: MemoryXenStore, domid: Domid) {
    this.store = store
    this.domid = domid
  }

  protected get nodes(): Map<string, string> {
    return this.store.nodes
  }

  protected change(path: string, value: string | undefined): void {
    this.store.apply([{ domid: this.domid, commit: ++this.store.commits, path, value }])
  }

  protected noteRead(_path: string): void {}

  async read(path: string): Promise<string> {
    const value = await this.tryRead(path)
    if (value === undefined) throw new XenError('ENOENT', path, { detail: { path } })
    return value
  }

  async tryRead(path: string): Promise<string | undefined> {
    const full = await this.#at(path)
    this.noteRead(full)
    return this.nodes.get(full)
  }

  async readBytes(path: string): Promise<Uint8Array> {
    return toBytes(await this.read(path))
  }

  async write(path: string, value: string | Uint8Array): Promise<void> {
    this.change(await this.#at(path), toText(toBytes(value)))
  }

  async mkdir(path: string): Promise<void> {
    const full = await this.#at(path)
    if (!this.nodes.has(full)) this.change(full, '')
  }

  async rm(path: string): Promise<void> {
    const full = await this.#at(path)
    if (this.nodes.has(full)) this.change(full, undefined)
  }

  async directory(path: string): Promise<string[]> {
    const full = await this.#at(path)
    if (!this.nodes.has(full)) throw new XenError('ENOENT', path)
    const below = [...this.nodes.keys()].filter((node) => node !== full && isWithin(node, full))
    return [...new Set(below.map((node) => node.slice(full.length + 1).split('/')[0]!))]
  }

  getPermissions(): Promise<Permission[]> {
    return unsupported()
  }

  setPermissions(): Promise<void> {
    return unsupported()
  }

  async #at(path: string): Promise<string> {
    const full = absolutePath(path, this.domid)
    for (let hops = this.store.hops(); hops > 0; hops--) await undefined
    return full
  }
}

class MemoryTransaction extends MemoryOperations {
  readonly #nodes: Map<string, string>
  readonly #reads = new Map<string, string | undefined>()
  readonly #commit: number
  readonly #changes: Change[] = []

  constructor(store: MemoryXenStore, domid: Domid) {
    super(store, domid)
    this.#nodes = new Map(store.nodes)
    this.#commit = ++store.commits
  }

  protected override get nodes(): Map<string, string> {
    return this.#nodes ?? this.store.nodes
  }

  protected override change(path: string, value: string | undefined): void {
    this.#changes.push({ domid: this.domid, commit: this.#commit, path, value })
    if (value !== undefined) put(this.#nodes, path, value)
    else for (const node of [...this.#nodes.keys()]) if (isWithin(node, path)) this.#nodes.delete(node)
  }

  protected override noteRead(path: string): void {
    if (!this.#reads.has(path)) this.#reads.set(path, this.#nodes.get(path))
  }

  /** @returns whether nobody changed what was read */
  commit(): boolean {
    this.store.beforeCommit?.()
    if (this.store.conflicts > 0 && this.store.conflicts-- > 0) return false
    for (const [path, value] of this.#reads) if (this.store.nodes.get(path) !== value) return false
    this.store.apply(this.#changes)
    return true
  }
}

export class MemoryView extends MemoryOperations implements XenStore {
  readonly #watches: MemoryWatch[] = []

  /** The watches of this view end, as when its connection is lost. */
  disconnect(): void {
    for (const watch of this.#watches) watch.end()
  }

  async watch(path: string): Promise<Watch> {
    const watch = new MemoryWatch(this.store, path, absolutePath(path, this.domid))
    for (let hops = this.store.hops(); hops > 0; hops--) await undefined
    this.store.watches.add(watch)
    this.#watches.push(watch)
    watch.tell(watch.full)
    return watch
  }

  async onChange(path: string, onPath: (path: string) => void): Promise<Watch> {
    const watch = await this.watch(path)
    const deliver = async (): Promise<void> => {
      for await (const changed of watch) onPath(changed)
    }
    void deliver()
    return watch
  }

  async transaction<T>(body: (transaction: XenStoreOperations) => Promise<T>): Promise<T> {
    for (;;) {
      const transaction = new MemoryTransaction(this.store, this.domid)
      const result = await body(transaction)
      for (let hops = this.store.hops(); hops > 0; hops--) await undefined
      if (transaction.commit()) return result
    }
  }

  async getDomainPath(domid: Domid): Promise<string> {
    return domainPath(domid)
  }

  async isDomainIntroduced(): Promise<boolean> {
    return true
  }

  introduce(_domid: Domid, _frame: FrameNumber, _port: Port): Promise<void> {
    return unsupported()
  }

  release(_domid: Domid): Promise<void> {
    return unsupported()
  }
}
