import { MODEL_QUOTAS } from './model-domains.js'

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
  /** Which domain it is about. */
  readonly domid: number
  /** Of a DIRECTORY_PART, in bytes. */
  readonly offset: number
  /** Of a WATCH. */
  readonly depth: number | undefined
  /** Of a quota, features, or another domain. */
  readonly number: number
  readonly quota: (typeof MODEL_QUOTAS)[number]
  /** About the caller itself, or what a new domain gets; not about `domid`. */
  readonly ofSelf: boolean
}

/** What makes things happen is asked often, what ends everything seldom. */
const WEIGHTS = {
  write: 20,
  mkdir: 16,
  rm: 8,
  setPerms: 12,
  read: 8,
  directory: 6,
  directoryPart: 2,
  getPerms: 4,
  watch: 10,
  unwatch: 5,
  start: 10,
  end: 10,
  resetWatches: 1,
  introduce: 1,
  release: 1,
  isIntroduced: 1,
  domainPath: 1,
  resume: 1,
  setTarget: 3,
  getFeature: 1,
  setFeature: 1,
  getQuota: 1,
  setQuota: 2,
}

export type StoreOperationKind = keyof typeof WEIGHTS

const KINDS = (Object.keys(WEIGHTS) as StoreOperationKind[]).flatMap((kind) =>
  Array.from({ length: WEIGHTS[kind] }, () => kind),
)

/** Asked by the control domain, mostly: others may not. */
const OF_CONTROL: ReadonlySet<StoreOperationKind> = new Set([
  ...(['introduce', 'release', 'isIntroduced', 'resume', 'setTarget'] as const),
  ...(['getFeature', 'setFeature', 'getQuota', 'setQuota'] as const),
])

/** Mostly outside, and mostly one that there is. */
const TRANSACTIONS = [0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 99]

const TRANSACTIONS_OF: Readonly<Partial<Record<StoreOperationKind, readonly number[]>>> = {
  start: [0, 0, 0, 0, 0, 0, 0, 0, 1, 99],
  end: [1, 1, 1, 2, 2, 2, 3, 3, 0, 99],
}

/** Few, so that they meet; relative ones among them. `#` stands for a domain's number. */
const PATHS = [
  ...['/', '/a', '/a', '/a/b', '/a/b', '/a/b/c', '/a/d', '/a/d', '/a/#', '/a/#/k', '/e', '/e/f/g', '/e/#/h', '/tool'],
  ...['/local/domain/#', '/local/domain/#/r', '/local/domain/#/r', '/local/domain/#/r/s', '/local/domain/#/t'],
  ...['r', 'r', 'r', 'r/s', 'r/s', 'r/s/u', 't', 't', 't', 'w', '/local/domain'],
]

const SPECIAL = [
  '@releaseDomain',
  '@introduceDomain',
  '@none',
  '@releaseDomain',
  '@introduceDomain',
  '@releaseDomain/#',
]

const INVALID = ['/bad//path', 'r/', '', '/a b', '//', 'r//s']

const WATCHED = ['/', '/a', '/a/b', '/a/d', '/e', '/local/domain/#', '/local/domain/#/r', 'r', 'r', 'r/s', 't']

/** Of what can have to do with special paths. */
const SPECIAL_TOO: ReadonlySet<StoreOperationKind> = new Set(['watch', 'unwatch', 'setPerms', 'getPerms'])

const pathsFor = (kind: StoreOperationKind, choice: number): readonly string[] => {
  if (choice === 0) return INVALID
  if (choice === 1 || (choice < 5 && SPECIAL_TOO.has(kind))) return SPECIAL
  return kind === 'watch' || kind === 'unwatch' ? WATCHED : PATHS
}

const KIND_LETTERS = ['n', 'r', 'w', 'b']

/** How many different choices an operation takes at most. */
export const CHOICES = 26

/**
 * @param clients the first is the control domain's
 * @param domains numbers from 1 on; the next one is nobody's
 * @param below an integer from 0 to `limit` − 1, every time it is asked
 */
export const chooseOperation = (clients: number, domains: number, below: (limit: number) => number): StoreOperation => {
  const pick = <T>(choices: readonly T[]): T => choices[below(choices.length)]!
  // Half of all is done by and to a few, so that they come to their limits.
  const skewed = (count: number): number => below(below(2) === 0 ? Math.min(count, 4) : count)
  const kind = pick(KINDS)
  const client = OF_CONTROL.has(kind) && below(8) > 0 ? 0 : skewed(clients)
  return {
    kind,
    client,
    path: pick(pathsFor(kind, below(24))).replace('#', String(skewed(domains + 1))),
    value: pick(['', 'x', 'value', 'v'.repeat(90)]),
    token: pick(['s', 's', 's', 't']),
    transaction: pick(TRANSACTIONS_OF[kind] ?? TRANSACTIONS),
    commit: below(4) > 0,
    domid: skewed(domains + 2),
    offset: pick([0, 0, 2, 1000]),
    depth: pick([undefined, undefined, undefined, undefined, 0, 1, 2]),
    number: pick([0, 1, 2, 3, 4, 5, 7, 9]),
    quota: pick(MODEL_QUOTAS),
    ofSelf: below(3) === 0,
    permissions: Array.from({ length: 1 + below(3) }, () => `${pick(KIND_LETTERS)}${skewed(domains + 2)}`),
  }
}

const DOM0 = {
  ...({ client: 0, path: '', value: '', permissions: [], token: '', transaction: 0, commit: false } as const),
  ...({ domid: 0, offset: 0, depth: undefined, number: 0, quota: 'nodes', ofSelf: false } as const),
}

/** The control domain introduces a domain. */
export const introduction = (domid: number): StoreOperation => ({ ...DOM0, kind: 'introduce', domid })

/** The control domain offers a domain other features than it would get. */
export const offer = (domid: number, features: number): StoreOperation => ({
  ...DOM0,
  kind: 'setFeature',
  domid,
  number: features,
})

/** What a toolstack does first, so that unprivileged domains have something to work on. */
export const prelude = (domains: number): StoreOperation[] => {
  const node = (path: string, ...permissions: string[]): StoreOperation[] => [
    { ...DOM0, kind: 'mkdir', path },
    { ...DOM0, kind: 'setPerms', path, permissions },
  ]
  const domids = Array.from({ length: domains }, (_, index) => index + 1)
  return [
    ...node('/', 'r0'),
    ...node('/a', 'b0'),
    ...node('/e', 'r1', 'b2'),
    ...domids.flatMap((domid) => [...node(`/local/domain/${domid}`, `n${domid}`), introduction(domid)]),
  ]
}

/** Asks for all that there is to be seen of a node. */
export const lookAt = (path: string): StoreOperation[] =>
  (['read', 'directory', 'getPerms'] as const).map((kind) => ({ ...DOM0, kind, path }))
