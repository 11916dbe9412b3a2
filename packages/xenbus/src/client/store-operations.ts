import { XenError } from '@split-driver/abi'
import type { Permission } from '../permission.js'
import { packStringAndRest, packStrings, unpackTexts } from '../wire/body.js'
import { XenStoreOp } from '../wire/operation.js'
import { formatPermission, parsePermission } from '../wire/permission-text.js'
import { toText } from '../wire/text.js'
import type { XenStoreOperations } from '../xenstore.js'
import type { Connection, Subject } from './connection.js'

/** A NUL would cut the path short and make an argument of its rest; all else is the server's to judge. */
const assertNoNul = (subject: Subject): void => {
  if (subject.path?.includes('\0'))
    throw new XenError('EINVAL', `${subject.operation}: a path cannot contain NUL`, { detail: { ...subject } })
}

/** The request's path and further strings, each with its NUL. @throws XenError EINVAL */
export const packPath = (subject: Subject & { readonly path: string }, ...more: readonly string[]): Uint8Array => {
  assertNoNul(subject)
  return packStrings(subject.path, ...more)
}

const malformed = (subject: Subject): XenError =>
  new XenError('EPROTO', `${subject.operation} ${subject.path}: the reply makes no sense`, { detail: { ...subject } })

/** What can be asked in one transaction, or outside of any. */
export class StoreOperations implements XenStoreOperations {
  readonly #connection: Connection
  readonly #txId: number
  #ended = false

  /** @param txId 0 outside of a transaction */
  constructor(connection: Connection, txId: number) {
    this.#connection = connection
    this.#txId = txId
  }

  async read(path: string): Promise<string> {
    return toText(await this.readBytes(path))
  }

  async tryRead(path: string): Promise<string | undefined> {
    try {
      return await this.read(path)
    } catch (error) {
      if (XenError.is(error, 'ENOENT')) return undefined
      throw error
    }
  }

  async readBytes(path: string): Promise<Uint8Array> {
    return this.#ask(XenStoreOp.Read, { operation: 'read', path })
  }

  async write(path: string, value: string | Uint8Array): Promise<void> {
    const subject = { operation: 'write', path }
    assertNoNul(subject)
    await this.#send(XenStoreOp.Write, packStringAndRest(path, value), subject)
  }

  async mkdir(path: string): Promise<void> {
    await this.#ask(XenStoreOp.Mkdir, { operation: 'mkdir', path })
  }

  async rm(path: string): Promise<void> {
    await this.#ask(XenStoreOp.Rm, { operation: 'rm', path })
  }

  async directory(path: string): Promise<string[]> {
    const subject = { operation: 'directory', path }
    const names = unpackTexts(await this.#ask(XenStoreOp.Directory, subject))
    if (names === undefined) throw malformed(subject)
    return names
  }

  async getPermissions(path: string): Promise<Permission[]> {
    const subject = { operation: 'getPermissions', path }
    const texts = unpackTexts(await this.#ask(XenStoreOp.GetPerms, subject))
    const permissions = texts?.map(parsePermission).filter((permission) => permission !== undefined)
    if (permissions === undefined || permissions.length !== texts?.length) throw malformed(subject)
    return permissions
  }

  async setPermissions(path: string, permissions: readonly Permission[]): Promise<void> {
    const subject = { operation: 'setPermissions', path }
    await this.#ask(XenStoreOp.SetPerms, subject, ...permissions.map(formatPermission))
  }

  /** The transaction is over: using it any longer is the caller's mistake. */
  end(): void {
    this.#ended = true
  }

  #ask(type: XenStoreOp, subject: Subject & { readonly path: string }, ...more: string[]): Promise<Uint8Array> {
    return this.#send(type, packPath(subject, ...more), subject)
  }

  #send(type: XenStoreOp, body: Uint8Array, subject: Subject): Promise<Uint8Array> {
    if (this.#ended) throw new TypeError(`${subject.operation} ${subject.path}: the transaction has ended`)
    return this.#connection.request(type, this.#txId, body, subject)
  }
}
