import { DOM0, type Domid, XenError } from '@split-driver/abi'
import type { Permission, Watch, XenStore, XenStoreOperations } from '@split-driver/xenbus'

/** As much of XenStore as the console daemon asks of it, seen from the control domain. */
export class FakeStore implements XenStore {
  readonly #nodes = new Map<string, { value: string; permissions: Permission[] }>()
  readonly #watches = new Map<Watch, (path: string) => void>()
  readonly #introduced = new Set<Domid>()

  get openWatches(): number {
    return this.#watches.size
  }

  async read(path: string): Promise<string> {
    const value = await this.tryRead(path)
    if (value === undefined) throw new XenError('ENOENT', path)
    return value
  }

  async tryRead(path: string): Promise<string | undefined> {
    return this.#nodes.get(path)?.value
  }

  async readBytes(path: string): Promise<Uint8Array> {
    return new TextEncoder().encode(await this.read(path))
  }

  write(path: string, value: string | Uint8Array): Promise<void> {
    return this.writeAs(DOM0, path, value)
  }

  /** Who creates a node is its owner. */
  async writeAs(owner: Domid, path: string, value: string | Uint8Array): Promise<void> {
    const text = typeof value === 'string' ? value : new TextDecoder().decode(value)
    const permissions = this.#nodes.get(path)?.permissions ?? [{ domid: owner, kind: 'none' }]
    this.#nodes.set(path, { value: text, permissions })
    this.#fire(path)
  }

  mkdir(path: string): Promise<void> {
    return this.write(path, '')
  }

  async rm(path: string): Promise<void> {
    for (const node of this.#nodes.keys()) if (node === path || node.startsWith(`${path}/`)) this.#nodes.delete(node)
    this.#fire(path)
  }

  async directory(path: string): Promise<string[]> {
    const below = [...this.#nodes.keys()].filter((node) => node.startsWith(`${path}/`))
    return [...new Set(below.map((node) => node.slice(path.length + 1).split('/')[0]!))]
  }

  async getPermissions(path: string): Promise<Permission[]> {
    return this.#nodes.get(path)?.permissions ?? []
  }

  async setPermissions(path: string, permissions: readonly Permission[]): Promise<void> {
    this.#nodes.get(path)!.permissions = [...permissions]
  }

  async watch(): Promise<Watch> {
    throw new XenError('ENOSYS', 'this fake calls back only')
  }

  async onChange(path: string, onPath: (path: string) => void): Promise<Watch> {
    const close = async () => void this.#watches.delete(watch)
    const watch: Watch = {
      path,
      token: '',
      close,
      [Symbol.asyncDispose]: close,
      async *[Symbol.asyncIterator]() {},
    }
    this.#watches.set(watch, onPath)
    queueMicrotask(() => onPath(path))
    return watch
  }

  transaction<T>(body: (transaction: XenStoreOperations) => Promise<T>): Promise<T> {
    return body(this)
  }

  async getDomainPath(domid: Domid): Promise<string> {
    return `/local/domain/${domid}`
  }

  async isDomainIntroduced(domid: Domid): Promise<boolean> {
    return this.#introduced.has(domid)
  }

  async introduce(domid: Domid): Promise<void> {
    this.#introduced.add(domid)
    this.#fire('@introduceDomain')
  }

  async release(domid: Domid): Promise<void> {
    this.#introduced.delete(domid)
    this.#fire('@releaseDomain')
  }

  #fire(path: string): void {
    for (const [watch, onPath] of this.#watches)
      if (path === watch.path || path.startsWith(`${watch.path}/`)) queueMicrotask(() => onPath(path))
  }
}
