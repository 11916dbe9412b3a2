import { type Message, toBytes, XenStoreOp } from '@split-driver/xenbus'
import { strings } from './choose-body.js'
import { STRANGER } from './clients.js'
import { encode, type WireConnection } from './wire-connection.js'

/** A node as one daemon holds it. */
interface HeldNode {
  readonly path: string
  readonly value: Uint8Array
  /** As GET_PERMS answers. */
  readonly permissions: Uint8Array
}

/** A watch by the request that made it. */
export interface Registration {
  readonly client: number
  readonly body: Uint8Array
}

/** What one daemon holds while no transaction is open, so that another one can be made to hold it, too. */
export interface Holdings {
  /** Parents before children, siblings in the order of their listing. */
  readonly nodes: readonly HeldNode[]
  /** Of the two special paths. */
  readonly special: readonly HeldNode[]
  /** Whether the domain that is nobody's client is introduced. */
  readonly stranger: boolean
  /** In the order in which they were made. */
  readonly watches: readonly Registration[]
  /** Clients whose connections are no more. */
  readonly closed: ReadonlySet<number>
}

const specialPaths = ['@introduceDomain', '@releaseDomain']

export const hasRoot = (domid: number, { nodes: [root] }: Holdings): boolean =>
  Buffer.from(root!.permissions).toString('latin1').slice(1).startsWith(`${domid}\0`)

type Request = readonly [type: number, body: Uint8Array]

/** Asks all of it at once. @returns the replies, in order */
export async function askInOneGo(connection: WireConnection, requests: readonly Request[]): Promise<Message[]> {
  const bytes = requests.map(([type, body], i) => encode(type, i + 1, 0, body))
  const { messages } = await connection.exchange(Buffer.concat(bytes))
  return messages.filter(({ type }) => type !== XenStoreOp.WatchEvent)
}

/** What the tree and the domains are, but not what clients know of: watches and connections. */
export async function readStore(connection: WireConnection): Promise<Omit<Holdings, 'watches' | 'closed'>> {
  const nodes: HeldNode[] = []
  for (let level = ['/']; level.length > 0; ) {
    const listings: string[][] = []
    for (const path of level) listings.push(await listingOf(connection, path))
    nodes.push(...(await readNodes(connection, level)))
    level = level.flatMap((path, i) => listings[i]!.map((name) => `${path === '/' ? '' : path}/${name}`))
  }
  const permissions = await askInOneGo(
    connection,
    specialPaths.map((path) => [XenStoreOp.GetPerms, strings(path)]),
  )
  const [introduced] = await askInOneGo(connection, [[XenStoreOp.IsDomainIntroduced, strings(String(STRANGER))]])
  return {
    nodes,
    special: specialPaths.map((path, i) => ({ path, value: toBytes(''), permissions: permissions[i]!.body })),
    stranger: introduced?.body[0] === 'T'.charCodeAt(0),
  }
}

/** The tree becomes that one. @returns whether the daemon took all of it */
export async function writeStore(connection: WireConnection, holdings: Holdings): Promise<boolean> {
  const [introduced] = await askInOneGo(connection, [[XenStoreOp.IsDomainIntroduced, strings(String(STRANGER))]])
  const stranger = introduced?.body[0] === 'T'.charCodeAt(0)
  const domains: Request[] = []
  if (stranger && !holdings.stranger) domains.push([XenStoreOp.Release, strings(String(STRANGER))])
  if (!stranger && holdings.stranger) domains.push([XenStoreOp.Introduce, strings(String(STRANGER), '5', '5')])
  await removeAll(connection)
  const wanted = [
    ...domains,
    ...holdings.nodes.flatMap(({ path, value, permissions }): Request[] => [
      [XenStoreOp.Write, Buffer.concat([strings(path), value])],
      [XenStoreOp.SetPerms, Buffer.concat([strings(path), permissions])],
    ]),
    ...holdings.special.map(
      ({ path, permissions }): Request => [XenStoreOp.SetPerms, Buffer.concat([strings(path), permissions])],
    ),
  ]
  const replies = await askInOneGo(connection, wanted)
  return replies.length === wanted.length && replies.every(({ type }) => type !== XenStoreOp.Error)
}

/** All but the root, and but the nodes that special paths are to one of the originals. */
async function removeAll(connection: WireConnection): Promise<void> {
  const [children] = await askInOneGo(connection, [[XenStoreOp.Directory, strings('/')]])
  const names = namesIn(children!.body).filter((name) => !specialPaths.includes(name))
  const below = ['@releaseDomain/1', '@introduceDomain/2']
  const paths = [...names.map((name) => (name.startsWith('@') ? name : `/${name}`)), ...below]
  await askInOneGo(
    connection,
    paths.map((path) => [XenStoreOp.Rm, strings(path)]),
  )
}

async function readNodes(connection: WireConnection, paths: readonly string[]): Promise<HeldNode[]> {
  const values = await askInOneGo(
    connection,
    paths.map((path) => [XenStoreOp.Read, strings(path)]),
  )
  const permissions = await askInOneGo(
    connection,
    paths.map((path) => [XenStoreOp.GetPerms, strings(path)]),
  )
  return paths.map((path, i) => ({ path, value: values[i]!.body, permissions: permissions[i]!.body }))
}

/** In parts, as it may be longer than a reply. */
async function listingOf(connection: WireConnection, path: string): Promise<string[]> {
  let listing = ''
  for (;;) {
    const [reply] = await askInOneGo(connection, [[XenStoreOp.DirectoryPart, strings(path, String(listing.length))]])
    const text = Buffer.from(reply!.body).toString('latin1')
    const part = text.slice(text.indexOf('\0') + 1)
    if (part === '\0' || part.endsWith('\0\0')) return namesIn(toBytes(listing + part.slice(0, -1)))
    listing += part
  }
}

const namesIn = (body: Uint8Array): string[] =>
  Buffer.from(body)
    .toString('latin1')
    .split('\0')
    .filter((name) => name !== '')
