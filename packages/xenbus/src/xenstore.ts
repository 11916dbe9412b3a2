import type { Domid, FrameNumber, Port } from '@split-driver/abi'
import type { Permission } from './permission.js'

/** What every call takes beside its arguments. */
export interface CallOptions {
  /**
   * Gives the call up: it rejects with the signal's reason at once, and a reply that comes later is ignored. What was asked
   * may be done nevertheless, unless said otherwise.
   */
  readonly signal?: AbortSignal | undefined
}

export interface WatchOptions extends CallOptions {
  /**
   * Levels below the path that are watched: 0 the node alone, 1 its children too. All unless given. A server that knows of
   * no depth sends all, and what lies deeper is not told. For `@introduceDomain` and `@releaseDomain`, 1 means: each event's
   * path names the domain, as `@releaseDomain/5`; such a server tells the bare path.
   */
  readonly depth?: number | undefined
}

export interface TransactionOptions extends CallOptions {
  /** How often it is tried before its EAGAIN is passed on; 100 unless given. */
  readonly tries?: number | undefined
}

/** What can be asked inside a transaction as well as outside. Paths: absolute, or relative to /local/domain/<domid>. */
export interface XenStoreOperations {
  /** @throws XenError ENOENT EACCES EINVAL */
  read(path: string, options?: CallOptions): Promise<string>
  /** As `read`, but `undefined` where there is no such node: a missing key is not an error. */
  tryRead(path: string, options?: CallOptions): Promise<string | undefined>
  /** The value's bytes, whatever they are. */
  readBytes(path: string, options?: CallOptions): Promise<Uint8Array>
  /** Creates the node and its parents where missing. @throws XenError EACCES EINVAL ENOSPC E2BIG */
  write(path: string, value: string | Uint8Array, options?: CallOptions): Promise<void>
  /** No error and no event if the node exists. */
  mkdir(path: string, options?: CallOptions): Promise<void>
  /** Removes the node and all below it. No error if it is missing but its parent exists. */
  rm(path: string, options?: CallOptions): Promise<void>
  /**
   * Names of the children, in the server's order; however many there are, they are those of one moment (rule 50).
   * @throws XenError ENOENT EACCES; EAGAIN it changed again and again while it was read; E2BIG the server cannot give so
   * large a listing, or it is beyond 16 MiB
   */
  directory(path: string, options?: CallOptions): Promise<string[]>
  getPermissions(path: string, options?: CallOptions): Promise<Permission[]>
  /** The first entry is the owner together with everybody else's default (rule 42). */
  setPermissions(path: string, permissions: readonly Permission[], options?: CallOptions): Promise<void>
}

/**
 * One registered watch: the paths that changed, beginning with one event of its own (rule 44). After a reconnect it is
 * registered again, and tells its own path once more: whatever changed meanwhile lies there or below.
 */
export interface Watch extends AsyncIterable<string>, AsyncDisposable {
  readonly path: string
  readonly token: string
  /** Ends the watch; the iteration ends too. Idempotent. */
  close(): Promise<void>
}

/** A domain's connection to XenStore. */
export interface XenStore extends XenStoreOperations {
  /**
   * Watches `path` and all below. Event paths come relative iff `path` is. Events of one watch that carry the same path
   * and are not yet taken are delivered once: a watch tells where to look, not how often it changed (rule 36). The signal
   * gives up the registering, and leaves no watch behind; once there is a watch, it is `close` that ends it.
   * @throws XenError EINVAL EACCES ENOSPC
   */
  watch(path: string, options?: WatchOptions): Promise<Watch>
  /** As `watch`, calling back in place of iterating; `onPath` must not throw. Same coalescing, one call at a time. */
  onChange(path: string, onPath: (path: string) => void, options?: WatchOptions): Promise<Watch>

  /**
   * Runs `body` in a transaction and commits; runs it again from the start, after a while, when another's write got in
   * between (EAGAIN). If `body` throws, the transaction is aborted and the error passed on. The signal aborts it too, and
   * rejects what `body` waits for inside; only a commit that is under way by then may take effect.
   */
  transaction<T>(body: (transaction: XenStoreOperations) => Promise<T>, options?: TransactionOptions): Promise<T>

  getDomainPath(domid: Domid, options?: CallOptions): Promise<string>
  isDomainIntroduced(domid: Domid, options?: CallOptions): Promise<boolean>
  /** Tells the server of a domain's ring; the control domain's right. */
  introduce(domid: Domid, frame: FrameNumber, port: Port, options?: CallOptions): Promise<void>
  /** Tells the server that a domain is gone; the control domain's right. */
  release(domid: Domid, options?: CallOptions): Promise<void>
}
