import type { Domid } from '@split-driver/abi'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DomainRecord } from '../src/domains/domain-record.js'
import { Quotas } from '../src/quotas/quotas.js'
import { Observers } from '../src/server-observer.js'
import { type Children, noChildren } from '../src/tree/children.js'
import { bottomUp, newNode, Tree } from '../src/tree/tree.js'

const owner = new DomainRecord(
  0 as Domid,
  new Quotas({ controlDomid: 0 as Domid, onMemory: () => {}, observers: new Observers() }).open(0 as Domid),
)
const node = (generation: number) => newNode(new Uint8Array(), [{ domain: owner, kind: 'none' }], generation)

describe('children', () => {
  /** 17 is the first size that is kept in another way. */
  const names = Array.from({ length: 20 }, (_, i) => `n${i}`)
  const step = fc.record({ name: fc.constantFrom(...names), remove: fc.boolean(), value: fc.nat() })

  test('are as a map that keeps the order of insertion, small and large, and every earlier version stays as it was', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
        const versions: [Children<number>, [string, number][]][] = []
        const model = new Map<string, number>()
        let children = noChildren<number>()
        for (const { name, remove, value } of steps) {
          children = remove ? children.delete(name) : children.set(name, value)
          if (remove) model.delete(name)
          else model.set(name, value)
          versions.push([children, [...model]])
        }
        for (const [version, entries] of versions) {
          expect([...version.entries()]).toEqual(entries)
          expect(version.size).toBe(entries.length)
          for (const name of names) expect(version.get(name)).toBe(new Map(entries).get(name))
        }
      }),
    )
  })
})

describe('trees', () => {
  test('share what did not change: a subtree without a change is the same object', () => {
    const before = ['/a/b', '/c/d'].reduce(
      (tree, path, i) => tree.set(path, node(i + 1), node(i + 1)),
      Tree.rooted(node(0)),
    )
    const after = before.set('/a/b', node(9))
    expect(after.get('/c')).toBe(before.get('/c'))
    expect(after.get('/a')).not.toBe(before.get('/a'))
    expect(before.get('/a/b')!.generation).toBe(1)
    expect(after.get('/a/b')!.generation).toBe(9)
  })

  test('a child that comes or goes changes its parent’s listing, and a value below changes nothing above', () => {
    const tree = Tree.rooted(node(0)).set('/a/b', node(1), node(1))
    expect(tree.set('/a/c', node(2)).get('/a')).toMatchObject({ generation: 1, listingGeneration: 2, listingBytes: 4 })
    expect(tree.set('/a/b', node(3)).get('/a')).toMatchObject({ generation: 1, listingGeneration: 1, listingBytes: 2 })
    expect(tree.delete('/a/b', 4).get('/a')).toMatchObject({ generation: 1, listingGeneration: 4, listingBytes: 0 })
  })

  test('a descent ends at the deepest node there is, and names what is missing', () => {
    const tree = Tree.rooted(node(0)).set('/a/b', node(1), node(1))
    expect(tree.descend('/a/b')).toMatchObject({ path: '/a/b', missing: [] })
    expect(tree.descend('/a/x/y')).toMatchObject({ path: '/a', missing: ['/a/x', '/a/x/y'] })
    expect(tree.descend('/x')).toMatchObject({ path: '/', missing: ['/x'] })
    expect(tree.descend('/')).toMatchObject({ path: '/', missing: [] })
    expect(tree.descend('@x')).toMatchObject({ path: '/', missing: ['@x'] })
  })

  test('a walk from below comes to children before their parents, in the order of listings', () => {
    const paths = ['/a/z/1', '/a/b', '/a/z/0']
    const tree = paths.reduce((grown, path) => grown.set(path, node(1), node(1)), Tree.rooted(node(0)))
    const walked = Array.from(bottomUp('/a', tree.get('/a')!), ({ path }) => path)
    expect(walked).toEqual(['/a/z/1', '/a/z/0', '/a/z', '/a/b', '/a'])
  })
})
