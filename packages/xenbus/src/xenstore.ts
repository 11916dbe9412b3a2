import type { Domid, FrameNumber, Port } from '@split-driver/abi'
import type { Permission } from './permission.js'

/** What can be asked inside a transaction as well as outside. Paths: absolute, or relative to /local/domain/<domid>. */
export interface XenStoreOperations {
  /** @throws XenError ENOENT EACCES EINVAL */
  read(path: string): Promise<string>
  /** As `read`, but `undefined` where there is no such node: a missing key is not an error. */
  tryRead(path: string): Promise<string | undefined>
  /** The value's bytes, whatever they are. */
  readBytes(path: string): Promise<Uint8Array>
  /** Creates the node and its parents where missing. @throws XenError EACCES EINVAL ENOSPC E2BIG */
  write(path: string, value: string | Uint8Array): Promise<void>
  /** No error and no event if the node exists. */
  mkdir(path: string): Promise<void>
  /** Removes the node and all below it. No error if it is missing but its parent exists. */
  rm(path: string): Promise<void>
  /** Names of the children, in the server's order. @throws XenError ENOENT EACCES */
  directory(path: string): Promise<string[]>
  getPermissions(path: string): Promise<Permission[]>
  /** The first entry is the owner together with everybody else's default (rule 42). */
  setPermissions(path: string, permissions: readonly Permission[]): Promise<void>
}

/** One registered watch: the paths that changed, beginning with one event of its own (rule 44). */
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
   * and are not yet taken are delivered once: a watch tells where to look, not how often it changed (rule 36).
   */
  watch(path: string): Promise<Watch>
  /** As `watch`, calling back in place of iterating; `onPath` must not throw. Same coalescing, one call at a time. */
  onChange(path: string, onPath: (path: string) => void): Promise<Watch>

  /**
   * Runs `body` in a transaction and commits; runs it again from the start when another's write got in between (EAGAIN).
   * If `body` throws, the transaction is aborted and the error passed on.
   */
  transaction<T>(body: (transaction: XenStoreOperations) => Promise<T>): Promise<T>

  getDomainPath(domid: Domid): Promise<string>
  isDomainIntroduced(domid: Domid): Promise<boolean>
  /** Tells the server of a domain's ring; the control domain's right. */
  introduce(domid: Domid, frame: FrameNumber, port: Port): Promise<void>
  /** Tells the server that a domain is gone; the control domain's right. */
  release(domid: Domid): Promise<void>
}
