import type { SeededRandom } from '@split-driver/conformance'
import { type FuzzedRequest, requestTemplates } from './fuzzed-request.js'

const TEMPLATES = requestTemplates()

const TYPES = [15, 16, 20, 27, 28, 100, 0xffff, 0x7fff_ffff, 0xffff_ffff]

const LENGTHS = [0, 1, 15, 16, 4095, 4096, 4097, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]

const NUMBERS = [
  ...['', '0', '00', '1', '-1', '+1', ' 1', '1 ', '0x1', '1e3', '4096', '32751', '32752', '65535', '65536'],
  ...['2147483647', '2147483648', '4294967295', '4294967296', '99999999999999999999', 'NaN', 'x'],
]

const PATHS = [
  ...['', '/', '//', '/a/', '/a//b', '.', '..', '/../a', '@', '@x', '@releaseDomain/1', '/a@b', 'a b', '/a:b', '\\'],
  ...[
    'x'.repeat(2048),
    'x'.repeat(2049),
    `/${'x'.repeat(3071)}`,
    `/${'x'.repeat(3072)}`,
    '/x'.repeat(1023),
    '\u{1f4a9}',
  ],
  ...['/local/domain/1/r', '/local/domain/0', '/tool/xenstored', 'r/s'],
]

const PERMISSIONS = ['n', 'b', 'x1', 'b-1', 'r99999', 'n32752', 'b01', 'N1', 'nn1', 'r1r', 'w0', 'b0', 'n1', 'r2']

const TOKENS = ['', 't'.repeat(4000), Uint8Array.of(0xff, 0xfe, 0x80), 't\u{0}t', '@']

type Mutation = (request: FuzzedRequest, random: SeededRandom) => FuzzedRequest

const withString = (request: FuzzedRequest, random: SeededRandom, make: () => string | Uint8Array): FuzzedRequest => {
  const at = random.below(request.strings.length + 1)
  const strings = [...request.strings]
  if (random.below(4) === 0) strings.splice(at, 0, make())
  else if (at < strings.length) strings[at] = make()
  return { ...request, strings }
}

/** One field after the other, and the bytes themselves. */
const MUTATIONS: readonly Mutation[] = [
  (request, random) => ({ ...request, type: random.pick(TYPES) }),
  (request, random) => ({ ...request, type: random.below(32) }),
  (request, random) => ({ ...request, txId: random.pick([0, 1, 2, 3, 4, 0xffff_ffff, 0x8000_0000]) }),
  (request, random) => ({ ...request, length: random.pick(LENGTHS) }),
  (request, random) => ({ ...request, length: random.below(4098) }),
  (request, random) => withString(request, random, () => random.pick(NUMBERS)),
  (request, random) => withString(request, random, () => random.pick(PATHS)),
  (request, random) => withString(request, random, () => random.pick(PERMISSIONS)),
  (request, random) => withString(request, random, () => random.pick(TOKENS)),
  (request, random) => withString(request, random, () => random.bytes(random.below(20))),
  (request, random) => ({ ...request, strings: request.strings.slice(0, random.below(request.strings.length + 1)) }),
  (request) => ({ ...request, strings: [...request.strings, ...request.strings] }),
  (request, random) => ({ ...request, rest: random.bytes(random.below(64)) }),
  (request, random) => ({ ...request, rest: 'v'.repeat(random.pick([0, 1, 2000, 2048, 3900])) }),
  (request, random) => ({ ...request, strings: [], rest: request.strings.join('\u{0}') + random.pick(['', '\u{0}']) }),
  (request, random) => ({
    ...request,
    strings: [...request.strings, ...Array.from({ length: random.below(300) }, () => random.pick(PERMISSIONS))],
  }),
]

/** A request that was valid, spoilt in a few places or in none. */
export const mutatedRequest = (random: SeededRandom): FuzzedRequest => {
  let request = random.pick(TEMPLATES)
  for (let count = random.below(4); count > 0; count--) request = random.pick(MUTATIONS)(request, random)
  return request
}
