import type { Domid, FrameNumber, Port } from '@split-driver/abi'
import {
  absolutePath,
  type CallOptions,
  domainPath,
  isSpecialPath,
  isWithin,
  type Permission,
  type TransactionOptions,
  type Watch,
  type WatchOptions,
  type XenStore,
  type XenStoreOperations,
} from '@split-driver/xenbus'
import type { LoopbackDomains } from './loopback-domains.js'

/** Requests of one loopback domain: its relative paths begin at its own home, not at the real domain's. */
class LoopbackOperations implements XenStoreOperations {
  constructor(
    private readonly below: XenStoreOperations,
    protected readonly at: (path: string) => string,
    protected readonly domains: LoopbackDomains,
  ) {}

  read(path: string, options?: CallOptions): Promise<string> {
    return this.below.read(this.at(path), options)
  }

  tryRead(path: string, options?: CallOptions): Promise<string | undefined> {
    return this.below.tryRead(this.at(path), options)
  }

  readBytes(path: string, options?: CallOptions): Promise<Uint8Array> {
    return this.below.readBytes(this.at(path), options)
  }

  write(path: string, value: string | Uint8Array, options?: CallOptions): Promise<void> {
    return this.below.write(this.at(path), value, options)
  }

  mkdir(path: string, options?: CallOptions): Promise<void> {
    return this.below.mkdir(this.at(path), options)
  }

  rm(path: string, options?: CallOptions): Promise<void> {
    return this.below.rm(this.at(path), options)
  }

  directory(path: string, options?: CallOptions): Promise<string[]> {
    return this.below.directory(this.at(path), options)
  }

  getPermissions(path: string, options?: CallOptions): Promise<Permission[]> {
    return this.below.getPermissions(this.at(path), options)
  }

  setPermissions(path: string, permissions: readonly Permission[], options?: CallOptions): Promise<void> {
    const real = permissions.map(({ domid, kind }) => ({ domid: this.domains.real(domid), kind }))
    return this.below.setPermissions(this.at(path), real, options)
  }
}

/** XenStore as a loopback domain sees it: a connection of its own, and the guests of its world among the domains. */
export class LoopbackXenStore extends LoopbackOperations implements XenStore {
  readonly #below: XenStore
  readonly #home: string

  constructor(below: XenStore, domid: Domid, domains: LoopbackDomains) {
    // Paths of the real domain stay as they are: what its server makes of them is under test.
    super(below, (path) => (domains.isGuest(domid) ? absolutePath(path, domid) : path), domains)
    this.#below = below
    this.#home = domainPath(domid)
  }

  async watch(path: string, options?: WatchOptions): Promise<Watch> {
    const at = this.at(path)
    const watch = await this.#below.watch(at, options)
    return at === path ? watch : new RelativeWatch(watch, path, (changed) => this.#relative(changed))
  }

  async onChange(path: string, onPath: (path: string) => void, options?: WatchOptions): Promise<Watch> {
    const at = this.at(path)
    const tell = at === path ? onPath : (changed: string) => onPath(this.#relative(changed))
    const watch = await this.#below.onChange(at, tell, options)
    if (!isSpecialPath(path)) return watch
    const stop = this.domains.listen(path, () => queueMicrotask(() => onPath(path)))
    return new RelativeWatch(watch, path, (changed) => changed, stop)
  }

  transaction<T>(body: (transaction: XenStoreOperations) => Promise<T>, options?: TransactionOptions): Promise<T> {
    return this.#below.transaction((below) => body(new LoopbackOperations(below, this.at, this.domains)), options)
  }

  async getDomainPath(domid: Domid, options?: CallOptions): Promise<string> {
    return this.domains.has(domid) ? domainPath(domid) : this.#below.getDomainPath(domid, options)
  }

  async isDomainIntroduced(domid: Domid, options?: CallOptions): Promise<boolean> {
    return this.domains.has(domid) || this.#below.isDomainIntroduced(domid, options)
  }

  introduce(domid: Domid, frame: FrameNumber, port: Port, options?: CallOptions): Promise<void> {
    return this.#below.introduce(domid, frame, port, options)
  }

  release(domid: Domid, options?: CallOptions): Promise<void> {
    return this.#below.release(domid, options)
  }

  #relative(path: string): string {
    return isWithin(path, this.#home) ? path.slice(this.#home.length + 1) : path
  }
}

/** A watch on an absolute path whose events are told in other words. */
class RelativeWatch implements Watch {
  constructor(
    private readonly below: Watch,
    readonly path: string,
    private readonly relative: (path: string) => string,
    private readonly stop: () => void = () => {},
  ) {}

  get token(): string {
    return this.below.token
  }

  close(): Promise<void> {
    this.stop()
    return this.below.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async *[Symbol.asyncIterator](): AsyncIterator<string> {
    for await (const path of this.below) yield this.relative(path)
  }
}
