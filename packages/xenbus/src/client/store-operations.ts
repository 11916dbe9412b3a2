import { XenError } from '@split-driver/abi'
import type { Permission } from '../permission.js'
import { packStringAndRest, packStrings, unpackTexts } from '../wire/body.js'
import { XenStoreOp } from '../wire/operation.js'
import { formatPermission, parsePermission } from '../wire/permission-text.js'
import { toText } from '../wire/text.js'
import type { CallOptions, XenStoreOperations } from '../xenstore.js'
import { readListing } from './read-listing.js'
import { type Call, describe, type Subject } from './request.js'
import { REPEATABLE, type Session } from './session.js'

/** Which transaction requests belong to. */
export interface TransactionScope extends Required<Pick<Call, 'txId' | 'era'>> {
  /** Gives the whole transaction up. */
  readonly signal: AbortSignal | undefined
}

type PathSubject = Subject & { readonly path: string }

/** A NUL would cut the path short and make an argument of its rest; all else is the server's to judge. */
const assertNoNul = (subject: Subject): void => {
  if (subject.path?.includes('\0'))
    throw new XenError('EINVAL', `${subject.operation}: a path cannot contain NUL`, { detail: { ...subject } })
}

/** The request's path and further strings, each with its NUL. @throws XenError EINVAL */
export const packPath = (subject: PathSubject, ...more: readonly string[]): Uint8Array => {
  assertNoNul(subject)
  return packStrings(subject.path, ...more)
}

/** The reply was none to this. */
export const malformed = (subject: Subject): XenError =>
  new XenError('EPROTO', `${describe(subject)}: the reply makes no sense`, { detail: { ...subject } })

/** What can be asked in one transaction, or outside of any. */
export class StoreOperations implements XenStoreOperations {
  readonly #session: Session
  readonly #scope: TransactionScope | undefined
  #ended = false
  #readsOnly = true

  /** @param scope absent outside of a transaction */
  constructor(session: Session, scope?: TransactionScope) {
    this.#session = session
    this.#scope = scope
  }

  async read(path: string, options?: CallOptions): Promise<string> {
    return toText(await this.readBytes(path, options))
  }

  async tryRead(path: string, options?: CallOptions): Promise<string | undefined> {
    try {
      return await this.read(path, options)
    } catch (error) {
      if (XenError.is(error, 'ENOENT')) return undefined
      throw error
    }
  }

  async readBytes(path: string, options?: CallOptions): Promise<Uint8Array> {
    return this.#ask(XenStoreOp.Read, { operation: 'read', path }, options)
  }

  async write(path: string, value: string | Uint8Array, options?: CallOptions): Promise<void> {
    const subject = { operation: 'write', path }
    assertNoNul(subject)
    await this.#send(XenStoreOp.Write, packStringAndRest(path, value), subject, options)
  }

  async mkdir(path: string, options?: CallOptions): Promise<void> {
    await this.#ask(XenStoreOp.Mkdir, { operation: 'mkdir', path }, options)
  }

  async rm(path: string, options?: CallOptions): Promise<void> {
    await this.#ask(XenStoreOp.Rm, { operation: 'rm', path }, options)
  }

  async directory(path: string, options?: CallOptions): Promise<string[]> {
    const subject = { operation: 'directory', path }
    try {
      const names = unpackTexts(await this.#ask(XenStoreOp.Directory, subject, options))
      if (names === undefined) throw malformed(subject)
      return names
    } catch (error) {
      // More than one reply holds (rule 50).
      if (XenError.is(error, 'E2BIG')) return this.#readInParts(subject, error, options)
      throw error
    }
  }

  async getPermissions(path: string, options?: CallOptions): Promise<Permission[]> {
    const subject = { operation: 'getPermissions', path }
    const texts = unpackTexts(await this.#ask(XenStoreOp.GetPerms, subject, options))
    const permissions = texts?.map(parsePermission).filter((permission) => permission !== undefined)
    if (permissions === undefined || permissions.length !== texts?.length) throw malformed(subject)
    return permissions
  }

  async setPermissions(path: string, permissions: readonly Permission[], options?: CallOptions): Promise<void> {
    const subject = { operation: 'setPermissions', path }
    await this.#ask(XenStoreOp.SetPerms, subject, options, ...permissions.map(formatPermission))
  }

  /** Nothing was asked that changes anything. */
  get readsOnly(): boolean {
    return this.#readsOnly
  }

  /** The transaction is over: using it any longer is the caller's mistake. */
  end(): void {
    this.#ended = true
  }

  /** @throws XenError `tooLarge` of a server that knows no DIRECTORY_PART */
  #readInParts(subject: PathSubject, tooLarge: XenError, options?: CallOptions): Promise<string[]> {
    const ask = async (offset: number): Promise<Uint8Array> => {
      try {
        return await this.#ask(XenStoreOp.DirectoryPart, subject, options, String(offset))
      } catch (error) {
        throw XenError.is(error, 'ENOSYS', 'EINVAL') ? tooLarge : error
      }
    }
    return readListing(ask, subject)
  }

  #ask(type: XenStoreOp, subject: PathSubject, options?: CallOptions, ...more: string[]): Promise<Uint8Array> {
    return this.#send(type, packPath(subject, ...more), subject, options)
  }

  #send(type: XenStoreOp, body: Uint8Array, subject: Subject, options?: CallOptions): Promise<Uint8Array> {
    if (this.#scope === undefined) return this.#session.request({ type, body, subject, signals: [options?.signal] })
    this.#scope.signal?.throwIfAborted()
    if (this.#ended) throw new TypeError(`${describe(subject)}: the transaction has ended`)
    const { txId, era, signal } = this.#scope
    this.#readsOnly &&= REPEATABLE.has(type)
    return this.#session.request({ type, body, subject, txId, era, signals: [signal, options?.signal] })
  }
}
