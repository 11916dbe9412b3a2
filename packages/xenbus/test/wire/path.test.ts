import type { Domid } from '@split-driver/abi'
import {
  absolutePath,
  formatPermission,
  isNodePath,
  isSpecialPath,
  isWatchPath,
  isWithin,
  joinPath,
  leafName,
  parentPath,
  parsePermission,
} from '@split-driver/xenbus'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const long = (first: string, length: number): string => first.padEnd(length, 'x')

/** Path, is it a node's, may it be watched. */
const interestingPaths: readonly (readonly [name: string, path: string, node: boolean, watch: boolean])[] = [
  ['the root', '/', true, true],
  ['nothing', '', false, false],
  ['two roots', '//', false, false],
  ['absolute', '/local/domain/1/device', true, true],
  ['relative', 'device/vbd/51712', true, true],
  ['every legal character', '/AZaz09-_@', true, true],
  ['a double slash', '/a//b', false, false],
  ['a trailing slash', '/a/', false, false],
  ['a relative trailing slash', 'a/', false, false],
  ['a space', '/a b', false, false],
  ['a dot', '/a.b', false, false],
  ['NUL', '/a\0b', false, false],
  ['a newline at the end', '/a\n', false, false],
  ['not ASCII', '/ä', false, false],
  ['3072 bytes absolute', long('/', 3072), true, true],
  ['3073 bytes absolute', long('/', 3073), false, false],
  ['2048 bytes relative', long('a', 2048), true, true],
  ['2049 bytes relative', long('a', 2049), false, false],
  ['special', '@releaseDomain', false, true],
  ['special with a depth', '@releaseDomain/5', false, true],
  ['@ inside', 'a/@b', true, true],
]

describe('rule 40: paths', () => {
  for (const [name, path, node, watch] of interestingPaths)
    it(`${name}: ${node ? 'a node' : watch ? 'watchable' : 'refused'}`, () => {
      expect(isNodePath(path)).toBe(node)
      expect(isWatchPath(path)).toBe(watch)
    })
})

const component = fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/)

it('parent and leaf take apart what join put together', () => {
  fc.assert(
    fc.property(fc.array(component, { minLength: 1, maxLength: 5 }), (names) => {
      const path = joinPath('/', ...names)
      const parent = joinPath('/', ...names.slice(0, -1))
      expect(isNodePath(path)).toBe(true)
      expect(parentPath(path)).toBe(names.length === 1 ? '/' : parent)
      expect(leafName(path)).toBe(names.at(-1))
      expect(isWithin(path, '/')).toBe(true)
      expect(isWithin(path, path)).toBe(true)
      expect(isWithin(`${path}x`, path)).toBe(false)
    }),
  )
  expect(parentPath('/')).toBeUndefined()
  expect(parentPath('a')).toBeUndefined()
  expect(joinPath('/')).toBe('/')
  expect(joinPath('a')).toBe('a')
})

it('rule 45: a relative path is the domain own; a special one is nobody s', () => {
  const domid = 3 as Domid
  expect(absolutePath('x/y', domid)).toBe('/local/domain/3/x/y')
  expect(absolutePath('/x', domid)).toBe('/x')
  expect(absolutePath('@releaseDomain', domid)).toBe('@releaseDomain')
  expect(isSpecialPath('@x')).toBe(true)
})

it('rule 42: permissions travel as a letter and a domid', () => {
  const kinds = { none: 'n', read: 'r', write: 'w', both: 'b' } as const
  for (const [kind, letter] of Object.entries(kinds) as [keyof typeof kinds, string][])
    for (const domid of [0, 1, 10, 0x7fef] as Domid[]) {
      expect(formatPermission({ domid, kind })).toBe(`${letter}${domid}`)
      expect(parsePermission(`${letter}${domid}`)).toEqual({ domid, kind })
    }
  for (const text of ['', 'n', '5', 'x5', 'N0', 'r-1', 'r01', 'r32752', 'r99999', 'r100000', 'r5 ', 'rr5', 'r0x1'])
    expect(parsePermission(text)).toBeUndefined()
})
