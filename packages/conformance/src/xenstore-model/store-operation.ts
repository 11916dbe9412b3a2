/** One thing that a client of a store may ask. All of the model's clients ask through these. */
export interface StoreOperation {
  readonly kind: StoreOperationKind
  /** Which client asks. */
  readonly client: number
  readonly path: string
  readonly value: string
  readonly permissions: readonly string[]
  readonly token: string
  /** 0: outside of a transaction; else the open one of that rank, counted around, or an id that names nothing. */
  readonly transaction: number
  /** Of an END. */
  readonly commit: boolean
}

/** What makes things happen is asked often, what ends everything seldom. */
const WEIGHTS: readonly (readonly [StoreOperationKind, number])[] = [
  ['write', 10],
  ['mkdir', 8],
  ['rm', 4],
  ['setPerms', 6],
  ['read', 4],
  ['directory', 4],
  ['getPerms', 2],
  ['watch', 4],
  ['unwatch', 3],
  ['start', 5],
  ['end', 5],
  ['reset', 1],
  ['rebirth', 1],
]

const KINDS = WEIGHTS.flatMap(([kind, weight]) => Array.from({ length: weight }, () => kind))

/** Mostly outside, and mostly one that there is. */
const TRANSACTIONS = [0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 99]

export type StoreOperationKind =
  | 'read'
  | 'directory'
  | 'getPerms'
  | 'setPerms'
  | 'write'
  | 'mkdir'
  | 'rm'
  | 'watch'
  | 'unwatch'
  | 'start'
  | 'end'
  | 'reset'
  /** The control domain releases the client's domain and introduces it again. */
  | 'rebirth'

/** Few, so that they meet; relative, special and invalid ones among them. */
const PATHS = [
  ...['/', '/a', '/a/b', '/a/b/c', '/a/d', '/e', '/e/f/g', '/local/domain/1', '/local/domain/2/r', '/local/domain/3'],
  ...['r', 'r/s', '/a', '/a/b', '/a/d', '/e', '@releaseDomain', '@introduceDomain', '@none', '/bad//path', '/tool'],
]

const KIND_LETTERS = ['n', 'r', 'w', 'b']

/** How many different choices an operation takes at most. */
export const CHOICES = 12

/** @param below an integer from 0 to `limit` − 1, every time it is asked */
export const chooseOperation = (clients: number, below: (limit: number) => number): StoreOperation => {
  const pick = <T>(choices: readonly T[]): T => choices[below(choices.length)]!
  return {
    kind: pick(KINDS),
    client: below(clients),
    path: pick(PATHS),
    value: pick(['', 'x', 'value']),
    token: pick(['s', 't']),
    transaction: pick(TRANSACTIONS),
    commit: below(4) > 0,
    permissions: Array.from({ length: 1 + below(2) }, () => `${pick(KIND_LETTERS)}${below(4)}`),
  }
}

/** What a toolstack does first, so that unprivileged domains have something to work on. */
export const prelude = (): StoreOperation[] => {
  const dom0 = { client: 0, value: '', token: '', transaction: 0, commit: false } as const
  const permissions = (path: string, ...list: string[]): StoreOperation[] => [
    { ...dom0, kind: 'mkdir', path, permissions: [] },
    { ...dom0, kind: 'setPerms', path, permissions: list },
  ]
  return [
    ...permissions('/', 'r0'),
    ...permissions('/a', 'b0'),
    ...permissions('/e', 'r1', 'b2'),
    ...[1, 2, 3].flatMap((domid) => permissions(`/local/domain/${domid}`, `n${domid}`)),
  ]
}
