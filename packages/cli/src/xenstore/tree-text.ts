import { XenError } from '@split-driver/abi'
import { formatPermission, type Permission, type XenStoreOperations } from '@split-driver/xenbus'
import type { ToolOutput } from './tool-output.js'
import { valueText } from './value-text.js'

export interface TreeOptions {
  /** Whole paths in place of indented names. */
  readonly flat: boolean
  /** Also who may do what. */
  readonly permissions: boolean
}

/** What stands in place of the end of a value that is too long, with what is around it. */
const CUT_CHARACTERS = ' = "..."'.length

/** Where there is no terminal. */
const USUAL_WIDTH = 80

/** Of a terminal's line these are left free. */
const MARGIN = 2

/** Permissions begin here, or behind the value. */
const PERMISSIONS_COLUMN = 60

/** A node whose children are being printed. */
interface Level {
  readonly path: string
  readonly names: readonly string[]
  next: number
}

/**
 * All below `root`, a line each, as xenstore-ls prints it: values that a line has no room for are cut. What vanishes
 * meanwhile is left out.
 * @throws XenError if a node's children may not be listed; what is printed before it stays
 */
export async function* treeText(
  store: XenStoreOperations,
  root: string,
  options: TreeOptions,
  output: Pick<ToolOutput, 'columns' | 'complain'>,
): AsyncGenerator<string, void, undefined> {
  const layout = { ...options, width: lineWidth(options.flat, output.columns) }
  const open: Level[] = [{ path: root, names: await store.directory(root), next: 0 }]
  for (let level = open.at(-1); level !== undefined; level = open.at(-1)) {
    const name = level.names[level.next++]
    if (name === undefined) open.pop()
    else {
      const path = level.path.endsWith('/') ? `${level.path}${name}` : `${level.path}/${name}`
      const [value, permissions, names] = await ask(store, path, options.permissions)
      if (permissions.status === 'rejected') output.complain(`could not see the permissions of ${path}`)
      yield nodeText(
        { name, path, depth: open.length - 1, value: settled(value), permissions: settled(permissions) },
        layout,
      )
      if (names.status === 'fulfilled') open.push({ path, names: names.value, next: 0 })
      else if (!XenError.is(names.reason, 'ENOENT')) throw names.reason
    }
  }
}

const lineWidth = (flat: boolean, columns: number | undefined): number => {
  if (columns !== undefined) return columns - MARGIN
  return flat ? Number.POSITIVE_INFINITY : USUAL_WIDTH
}

/** All at once: there and back is what takes time. */
const ask = (store: XenStoreOperations, path: string, permissions: boolean) =>
  Promise.allSettled([
    store.readBytes(path),
    permissions ? store.getPermissions(path) : undefined,
    store.directory(path),
  ])

const settled = <T>(result: PromiseSettledResult<T>): T | undefined =>
  result.status === 'fulfilled' ? result.value : undefined

interface ShownNode {
  readonly name: string
  readonly path: string
  readonly depth: number
  /** `undefined` if it could not be read. */
  readonly value: Uint8Array | undefined
  /** `undefined` if nobody asks for them, or they could not be read. */
  readonly permissions: readonly Permission[] | undefined
}

interface Layout extends TreeOptions {
  readonly width: number
}

const nodeText = ({ name, path, depth, value, permissions }: ShownNode, layout: Layout): string => {
  const { flat, width } = layout
  const head = flat ? path : ' '.repeat(depth) + cut(name, width - CUT_CHARACTERS - depth)
  const rights = permissions === undefined ? '' : `  (${permissions.map(formatPermission).join(',')})`
  // A path takes no part in the counting.
  return `${head}${valueColumn(value, flat ? 0 : head.length, layout)}${rights}\n`
}

const valueColumn = (value: Uint8Array | undefined, used: number, { flat, permissions, width }: Layout): string => {
  if (value === undefined) return ':\n'
  const text = valueText(value)
  if (width >= 0 && width < used + value.length + CUT_CHARACTERS)
    return ` = "${cut(text, width - CUT_CHARACTERS - used)}\\..."`
  const whole = ` = "${text}"`
  return permissions
    ? `${whole} ${dots(used + whole.length + 1, Math.min(flat ? 0 : PERMISSIONS_COLUMN, width))}`
    : whole
}

/** A length below nothing is no limit, as for printf. */
const cut = (text: string, length: number): string => (length < 0 ? text : text.slice(0, length))

/** Up to a column, a dot at each odd place. */
const dots = (from: number, column: number): string => {
  let text = ''
  for (let at = from; at < column; at++) text += at % 2 === 1 ? '.' : ' '
  return text
}
