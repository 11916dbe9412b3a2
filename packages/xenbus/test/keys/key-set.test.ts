import {
  domidKey,
  enumKey,
  flag,
  grantRefKey,
  type Key,
  keySet,
  majorMinorKey,
  numberKey,
  optionalKey,
  pathKey,
  portKey,
  textKey,
  u32Key,
} from '@split-driver/xenbus'
import fc from 'fast-check'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { MemoryXenStore } from '../memory-xenstore.js'

const ABSENT = undefined
const BAD = 'BAD_KEY'

/** What each key makes of each text. */
const vectors: readonly (readonly [name: string, key: Key<unknown>, texts: readonly (readonly [string, unknown])[]])[] =
  [
    [
      'a decimal u32',
      u32Key(),
      [
        ['0', 0],
        ['1', 1],
        ['4294967295', 0xffff_ffff],
        ['4294967296', BAD],
        ['-1', BAD],
        ['01', BAD],
        ['1e9', BAD],
        ['0x1', BAD],
        ['', BAD],
        [' 1', BAD],
        ['1 ', BAD],
        ['1.0', BAD],
        ['9'.repeat(4096), BAD],
        ['Infinity', BAD],
      ],
    ],
    [
      'a number in a range, up to 2⁵³−1',
      numberKey(1, Number.MAX_SAFE_INTEGER),
      [
        ['0', BAD],
        ['1', 1],
        ['9007199254740991', Number.MAX_SAFE_INTEGER],
        ['9007199254740992', BAD],
        ['18446744073709551615', BAD],
      ],
    ],
    [
      'a flag',
      flag(),
      [
        ['0', false],
        ['1', true],
        ['2', BAD],
        ['true', BAD],
        ['', BAD],
      ],
    ],
    [
      'rule 37: hexadecimal major:minor',
      majorMinorKey(),
      [
        ['8:10', { major: 8, minor: 16 }],
        ['fd:0', { major: 253, minor: 0 }],
        ['CA:ff', { major: 202, minor: 255 }],
        ['8', BAD],
        ['8:', BAD],
        [':1', BAD],
        ['8:1:2', BAD],
        ['g:1', BAD],
        ['0x8:1', BAD],
        ['123456789:0', BAD],
      ],
    ],
    [
      'one of a few words',
      enumKey(['r', 'w']),
      [
        ['r', 'r'],
        ['w', 'w'],
        ['rw', BAD],
        ['', BAD],
        ['toString', BAD],
      ],
    ],
    [
      'any text',
      textKey(),
      [
        ['', ''],
        ['x y', 'x y'],
      ],
    ],
    [
      'a domid',
      domidKey(),
      [
        ['0', 0],
        ['32751', 32751],
        ['32752', BAD],
        ['-1', BAD],
      ],
    ],
    [
      'an absolute path',
      pathKey(),
      [
        ['/a/b', '/a/b'],
        ['a/b', BAD],
        ['/a//b', BAD],
        ['/a/', BAD],
        ['', BAD],
        ['@x', BAD],
      ],
    ],
    [
      'a grant reference',
      grantRefKey(),
      [
        ['0', 0],
        ['8', 8],
        ['4294967295', 0xffff_ffff],
        ['4294967296', BAD],
      ],
    ],
    [
      'rule 61: a port, never 0',
      portKey(),
      [
        ['0', BAD],
        ['1', 1],
        ['131071', 131071],
        ['131072', BAD],
      ],
    ],
  ]

const read = (key: Key<unknown>, text: string | undefined): Promise<unknown> => {
  const store = new MemoryXenStore()
  if (text !== undefined) store.nodes.set('/d/key', text)
  return keySet({ key })
    .read(store.view(0), '/d')
    .then(({ key: value }) => value)
}

for (const [name, key, texts] of vectors)
  describe(name, () => {
    for (const [text, expected] of texts)
      it(`${JSON.stringify(text.slice(0, 20))} ${expected === BAD ? 'makes no sense' : `is ${JSON.stringify(expected)}`}`, async () => {
        if (expected === BAD)
          await expect(read(key, text)).rejects.toMatchObject({
            code: 'BAD_KEY',
            detail: { path: '/d/key', value: text, expected: key.expected },
          })
        else {
          expect(await read(key, text)).toEqual(expected)
          expect(await read(key, key.format(expected))).toEqual(expected)
        }
      })

    it('rule 37: missing is ENOENT, not BAD_KEY', () =>
      expect(read(key, ABSENT)).rejects.toMatchObject({ code: 'ENOENT', detail: { path: '/d/key' } }))
  })

describe('rule 24: what is missing has its exact default', () => {
  const defaults: readonly (readonly [Key<unknown>, unknown])[] = [
    [flag(false), false],
    [flag(true), true],
    [u32Key(512), 512],
    [u32Key(0), 0],
    [numberKey(1, 8, 3), 3],
    [enumKey(['native', 'x86_32-abi'], 'native'), 'native'],
    [textKey(''), ''],
    [optionalKey(u32Key()), undefined],
  ]
  for (const [key, expected] of defaults)
    it(`${key.expected}: ${expected}`, async () => {
      expect(await read(key, ABSENT)).toBe(expected)
      if (key.expected !== 'text') await expect(read(key, 'junk')).rejects.toMatchObject({ code: 'BAD_KEY' })
    })
})

it('a set reads each key with its own type, and writes what it is given', async () => {
  const features = keySet({
    'feature-flush-cache': flag(false),
    'sector-size': u32Key(512),
    'physical-sector-size': optionalKey(u32Key()),
    protocol: enumKey(['x86_64-abi', 'x86_32-abi'], 'x86_64-abi'),
  })
  const store = new MemoryXenStore()
  store.nodes.set('/d/feature-flush-cache', '1')
  const values = await features.read(store.view(0), '/d')
  expectTypeOf(values['feature-flush-cache']).toEqualTypeOf<boolean>()
  expectTypeOf(values['sector-size']).toEqualTypeOf<number>()
  expectTypeOf(values['physical-sector-size']).toEqualTypeOf<number | undefined>()
  expectTypeOf(values.protocol).toEqualTypeOf<'x86_64-abi' | 'x86_32-abi'>()
  expect(values).toEqual({
    'feature-flush-cache': true,
    'sector-size': 512,
    'physical-sector-size': undefined,
    protocol: 'x86_64-abi',
  })
  expect(
    features.format({ 'feature-flush-cache': true, 'sector-size': 4096, 'physical-sector-size': undefined }),
  ).toEqual({
    'feature-flush-cache': '1',
    'sector-size': '4096',
  })
})

it('B6: any text at all is a value or a BAD_KEY whose message is short and printable', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.constantFrom(...vectors),
      async (text, [, key]) => {
        try {
          await read(key, text)
        } catch (error) {
          const { code, message } = error as { code: string; message: string }
          expect(code).toBe('BAD_KEY')
          expect(message.length).toBeLessThan(600)
          expect([...message].every((character) => character >= ' ')).toBe(true)
        }
      },
    ),
    { numRuns: 500 },
  )
})
