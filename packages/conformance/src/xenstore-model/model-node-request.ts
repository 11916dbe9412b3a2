import {
  granted,
  type Life,
  type ModelCaller,
  type ModelEvent,
  type ModelNode,
  type ModelState,
} from './model-state.js'
import type { StoreOperation } from './store-operation.js'

/** What a request on nodes came to, and what that rests on. */
export interface NodeOutcome {
  /** Text, or `!` and an error's name. */
  readonly reply: string
  readonly events: readonly ModelEvent[]
  /** `node …`, `listing …` and `subtree …`: what a transaction's commit depends on. */
  readonly examined: readonly string[]
  /** Whose number of nodes it changed. */
  readonly owners: readonly Life[]
}

/** Where and for whom. */
export interface NodeScope {
  readonly state: ModelState
  readonly caller: ModelCaller
  /** Nodes that the caller may still create. */
  readonly room: number
  readonly stamp: number
  readonly lifeOf: (domid: number) => Life
}

/** Whom a permission such as `r5` names. */
export const domidOf = (permission: string): number => Number(permission.slice(1))

const NEEDS: Readonly<Record<string, string>> = {
  read: 'r',
  directory: 'r',
  directoryPart: 'r',
  getPerms: 'r',
  write: 'w',
  mkdir: 'w',
  rm: 'w',
  setPerms: 'wo',
}

/** Does to a state what a request asks. @param path absolute; `undefined` if it was no valid one */
export const requestNode = (scope: NodeScope, operation: StoreOperation, path: string | undefined): NodeOutcome => {
  if (path === undefined || (path.startsWith('@') && !operation.kind.endsWith('Perms'))) return failed('EINVAL', [])
  const { state, caller } = scope
  const need = NEEDS[operation.kind]!
  const nearest = state.nearest(path)
  const examined = [...state.missing(path), nearest].map((examinedPath) => `node ${examinedPath}`)
  const has = granted(caller, state.nodes.get(nearest)!, need)
  if (nearest !== path) return has === 0 ? failed('EACCES', examined) : whenMissing(scope, operation, path, examined)
  if (has < need.length) return failed('EACCES', examined)
  return whenThere(scope, operation, path, examined)
}

const failed = (error: string, examined: readonly string[]): NodeOutcome => ({
  reply: `!${error}`,
  events: [],
  examined,
  owners: [],
})

const whenMissing = (
  scope: NodeScope,
  { kind, value }: StoreOperation,
  path: string,
  examined: readonly string[],
): NodeOutcome => {
  const { state, caller, stamp } = scope
  if (kind === 'rm' && state.missing(path).length === 1) return { reply: 'OK', events: [], examined, owners: [] }
  if (kind !== 'write' && kind !== 'mkdir') return failed('ENOENT', examined)
  const missing = state.missing(path)
  if (!caller.privileged && missing.length > scope.room) return failed('ENOSPC', examined)
  const [first, ...others] = state.nodes.get(state.nearest(path))!.permissions
  const owner = caller.privileged ? first!.life : caller.life
  const permissions = [{ ...first!, life: owner }, ...others]
  for (const made of missing) {
    state.put(made, { value: made === path && kind === 'write' ? value : '', permissions, stamp, listing: stamp })
  }
  return { reply: 'OK', events: [{ path, exact: false }], examined, owners: [owner] }
}

const whenThere = (
  scope: NodeScope,
  operation: StoreOperation,
  path: string,
  examined: readonly string[],
): NodeOutcome => {
  const node = scope.state.nodes.get(path)!
  const answer = (reply: string): NodeOutcome => ({ reply, events: [], examined, owners: [] })
  switch (operation.kind) {
    case 'read':
      return answer(node.value)
    case 'directory':
      return { ...answer(namesOf(scope.state.childrenOf(path))), examined: [...examined, `listing ${path}`] }
    case 'directoryPart':
      return { ...answer(listingPart(scope.state, path, operation.offset)), examined: [...examined, `listing ${path}`] }
    case 'getPerms':
      return answer(shownPermissions(node))
    case 'mkdir':
      return answer('OK')
    case 'write':
      scope.state.put(path, { ...node, value: operation.value, stamp: scope.stamp })
      return { ...answer('OK'), events: [{ path, exact: false }] }
    case 'setPerms':
      return permit(scope, operation, path, examined)
    default:
      return path === '/' ? failed('EINVAL', examined) : remove(scope, path, examined)
  }
}

const permit = (
  { state, caller, stamp, lifeOf }: NodeScope,
  operation: StoreOperation,
  path: string,
  examined: readonly string[],
): NodeOutcome => {
  const node = state.nodes.get(path)!
  const permissions = operation.permissions.map((text) => ({ letter: text[0]!, life: lifeOf(domidOf(text)) }))
  const [before, after] = [node.permissions[0]!.life, permissions[0]!.life]
  if (!caller.privileged && before !== after) return failed('EPERM', examined)
  state.put(path, { ...node, permissions, stamp })
  return { reply: 'OK', events: [{ path, exact: false }], examined, owners: [before, after] }
}

const remove = ({ state, stamp }: NodeScope, path: string, examined: readonly string[]): NodeOutcome => {
  const gone = state.subtree(path)
  const owners = gone.map((below) => state.nodes.get(below)!.permissions[0]!.life)
  const below = gone.map((examinedPath) => `node ${examinedPath}`)
  const events = state.remove(path, stamp)
  return { reply: 'OK', events, examined: [...examined, ...below, `subtree ${path}`], owners }
}

const namesOf = (paths: readonly string[]): string =>
  paths.map((path) => path.slice(path.lastIndexOf('/') + 1)).join('|')

/** The node's version, then the names from an offset on, each with its end, then one more. */
const listingPart = (state: ModelState, path: string, offset: number): string => {
  const names = state.childrenOf(path).map((child) => `${namesOf([child])}|`)
  return `${state.versionOf(path)}|${names.join('').slice(offset)}`
}

/** Entries of the dead are gone. */
const shownPermissions = ({ permissions }: ModelNode): string =>
  permissions
    .filter(({ life }, index) => index === 0 || life.alive)
    .map(({ life, letter }) => `${letter}${life.domid}`)
    .join('|')
