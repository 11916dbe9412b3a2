import type { SeededRandom } from '@split-driver/conformance'
import { toBytes } from '@split-driver/xenbus'

const names = ['a', 'b', 'c', 'B_1@x']

/** What no daemon should take for a path, and what lies at a bound. */
const oddPaths = [
  ...[
    '',
    '/',
    '//',
    '/t//a',
    '/t/a/',
    't/',
    '/t/a b',
    '/t/a.b',
    '/t/ä',
    '@',
    '@none',
    '/t/a:b',
    '/t/\x7f',
    '/@x',
    '///',
  ],
  ...['/t', '/tool/xenstored', '/none/below', '/local', '/local/domain/1', '/local/domain/2/x', '/local/domain/9', '.'],
]
const bounds = [1024, 2048, 3072, 4096]

/** A path, mostly of few nodes, so that operations meet. */
export function choosePath(random: SeededRandom): string {
  const way = random.below(100)
  if (way < 72) return `/t/${someNames(random)}`
  if (way < 84) return someNames(random)
  if (way < 88) return `/local/domain/${random.below(3)}/${someNames(random)}`
  if (way < 90)
    return pathOfLength(random.pick(['/t/', '', '/local/domain/1/']), random.pick(bounds) + random.below(3) - 1)
  return random.pick(oddPaths)
}

const someNames = (random: SeededRandom): string =>
  Array.from({ length: random.pick([1, 1, 2, 2, 3]) }, () => random.pick(names)).join('/')

/** Names of a hundred letters, as many as fit. */
function pathOfLength(prefix: string, length: number): string {
  const name = `${'n'.repeat(99)}/`
  const path = (prefix + name.repeat(42)).slice(0, Math.max(length, prefix.length))
  return path.endsWith('/') ? `${path.slice(0, -1)}n` : path
}

const specialPaths = ['@introduceDomain', '@releaseDomain', '@releaseDomain/1', '@introduceDomain/2', '@nothing']

export function chooseWatchPath(random: SeededRandom): string {
  const way = random.below(100)
  if (way < 12) return random.pick(specialPaths)
  if (way < 20) return random.pick(['/', '/t', '/local', '/local/domain'])
  return choosePath(random)
}

export const chooseToken = (random: SeededRandom): string => random.pick(['one', 'two', '', 'ä b', 'x'.repeat(300)])

export function chooseValue(random: SeededRandom): Uint8Array {
  const way = random.below(100)
  if (way < 65) return toBytes(random.pick(['', '0', '1', 'value', 'a longer value with spaces']))
  if (way < 95) return random.bytes(random.below(40))
  if (way < 99) return random.bytes(random.pick([1000, 1900, 2000, 2020, 2047, 2048, 2049]))
  return random.bytes(4050)
}

const permissions = ['n0', 'r0', 'w0', 'b0', 'n1', 'r1', 'w1', 'b1', 'n2', 'r2', 'b2', 'w2', 'r7']
const oddPermissions = ['', 'x0', 'r', 'r-1', 'r 1', 'R1', 'r1x', 'b65535', 'n32752', 'r99999999999', '0']

export function choosePermissions(random: SeededRandom): string[] {
  const count = random.below(20) === 0 ? random.below(9) : 1 + random.below(3)
  const odd = random.below(12) === 0
  return Array.from({ length: count }, () => random.pick(odd ? oddPermissions : permissions))
}

const domids = ['0', '1', '2', '7', '32752', '32751', '65535', '-1', '', 'x', '1x', ' 1', '01', '4294967297']

export const chooseDomid = (random: SeededRandom): string =>
  random.below(8) === 0 ? random.pick(domids) : String(random.below(4))

/** A domain and its target, mostly two guests, and so that the target can go after the domain. */
export function chooseTarget(random: SeededRandom): string[] {
  if (random.below(8) === 0) return [chooseDomid(random), chooseDomid(random)]
  return random.pick([
    ['3', '1'],
    ['2', '1'],
    ['2', '1'],
    ['2', '1'],
  ])
}

/** Domain 3 is there and no client of the episode: it may come and go. */
const strangers = ['0', '7', '32752', '32751', '65535', '-1', '', 'x', '3x', ' 3', '03', '4294967299']

export const chooseStranger = (random: SeededRandom): string => (random.below(6) === 0 ? random.pick(strangers) : '3')

const commands = [
  ['print', 'a line'],
  ['none'],
  ['', ''],
  ['print'],
  ['quota', 'x'],
  ['check', 'more'],
  ['log', 'loud'],
]

/** What CONTROL takes, but for what each daemon tells of itself. */
export const chooseCommand = (random: SeededRandom): readonly string[] => random.pick(commands)

/** Strings, each with the NUL that ends it. */
export const strings = (...texts: readonly string[]): Uint8Array =>
  Buffer.from(texts.map((text) => `${text}\0`).join(''), 'latin1')

/** A body as no client of good will sends it. */
export function spoil(random: SeededRandom, body: Uint8Array): Uint8Array {
  const ways = [
    () => body.subarray(0, -1),
    () => Buffer.concat([body, strings('')]),
    () => Buffer.concat([body, strings('more')]),
    () => Buffer.concat([body, toBytes('rest')]),
    () => new Uint8Array(),
    () => random.bytes(random.below(30)),
    () => body.map((byte) => (byte === 0 ? 0x61 : byte)),
    () => body.subarray(0, random.below(body.length + 1)),
  ]
  return random.pick(ways)()
}
