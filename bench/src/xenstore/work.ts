/** Requests of one kind that the C clients repeat. */
export type Operation = 'read' | 'write' | 'directory' | 'transaction'

/** A tree: folders of ten nodes each. */
export interface TreeShape {
  readonly name: string
  /** Where it lies in the store. */
  readonly prefix: string
  readonly folders: number
  readonly nodes: number
}

export const TREES: readonly TreeShape[] = [
  { name: '10 nodes', prefix: '/bench/small', folders: 1, nodes: 10 },
  { name: '100,000 nodes', prefix: '/bench/large', folders: 10_000, nodes: 10 },
]

export const OPERATIONS: readonly Operation[] = ['read', 'write', 'directory', 'transaction']

/** Requests under way on one connection. */
export const DEPTHS = [1, 16] as const

export const SOCKET_WATCHERS = 1000
export const RING_WATCHERS = 100

/** One thing to measure: the program of bench/c that does it, and what it is told after the place. */
export interface Work {
  readonly name: string
  readonly program: 'xenstore-load' | 'xenstore-fan-out'
  readonly args: readonly string[]
  /** What a unit of work counts for in operations a second. */
  readonly weight: number
}

/** @param seconds of one round */
export const loads = (trees: readonly TreeShape[], seconds: number): readonly Work[] =>
  trees.flatMap((tree) =>
    OPERATIONS.flatMap((operation) => DEPTHS.map((depth) => load(tree, operation, depth, seconds))),
  )

/** @param seconds of one round */
export const fanOuts = (watchers: number, seconds: number): readonly Work[] =>
  DEPTHS.map((depth) => fanOut(watchers, depth, 2 * seconds))

const load = (tree: TreeShape, operation: Operation, depth: number, seconds: number): Work => ({
  name: `${operation} ×${depth}, ${tree.name}`,
  program: 'xenstore-load',
  args: [operation, tree.prefix, `${tree.folders}`, `${tree.nodes}`, `${depth}`, `${seconds}`],
  weight: 1,
})

/** Counted in events. */
const fanOut = (watchers: number, depth: number, seconds: number): Work => ({
  name: `events of a write ×${depth}, ${watchers} watchers`,
  program: 'xenstore-fan-out',
  args: ['/bench/watched', `${watchers}`, `${depth}`, `${seconds}`],
  weight: watchers,
})
