import { XenError } from '@split-driver/abi'
import { joinPath, type Permission, parsePermission, type XenStoreOperations } from '@split-driver/xenbus'
import { ExitCode } from '../exit-code.js'
import { inOne, type StoreTool } from './store-tool.js'

export interface ChmodOptions {
  /** All that the node lies in as well, but the root. */
  readonly upto: boolean
  /** All below it as well. */
  readonly recurse: boolean
}

/** xenstore-chmod. */
export const chmod = async (
  { store }: StoreTool,
  [path = '', ...texts]: string[],
  { upto, recurse }: ChmodOptions,
): Promise<ExitCode> => {
  const permissions = texts.map(permission)
  if (upto && !path.startsWith('/'))
    throw new XenError('EINVAL', `chmod: --upto needs a path that begins at the root, and "${path}" does not`)
  await inOne(store, upto || recurse, async (t) => {
    await t.setPermissions(path, permissions)
    if (upto) await permitAbove(t, path, permissions)
    if (recurse) await permitBelow(t, path, permissions)
  })
  return ExitCode.Okay
}

const permitAbove = async (
  store: XenStoreOperations,
  path: string,
  permissions: readonly Permission[],
): Promise<void> => {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
    await store.setPermissions(path.slice(0, end), permissions)
}

const permitBelow = async (
  store: XenStoreOperations,
  path: string,
  permissions: readonly Permission[],
): Promise<void> => {
  const open = [path]
  for (let parent = open.pop(); parent !== undefined; parent = open.pop()) {
    const children = (await store.directory(parent)).map((name) => joinPath(parent!, name))
    for (const child of children) await store.setPermissions(child, permissions)
    open.push(...children.reverse())
  }
}

/** A letter alone means domain 0. */
const permission = (text: string): Permission => {
  const parsed = parsePermission(text.length === 1 ? `${text}0` : text)
  if (parsed !== undefined) return parsed
  const expected = "expected n, r, w or b and a domain's number, such as r1"
  throw new XenError('EINVAL', `chmod: "${text}" is no permission; ${expected}`)
}
