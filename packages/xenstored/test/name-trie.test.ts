import { SeededRandom } from '@split-driver/conformance'
import { describe, expect, test } from 'vitest'
import { noChildren } from '../src/tree/children.js'
import { entriesOf, findName, hashOf, type NameTrie, withName, withoutName } from '../src/tree/name-trie.js'

/** Names, some of which are alike in their whole hash. */
const collidingNames = (pairs: number): string[] => {
  const seen = new Map<number, string>()
  const names: string[] = []
  for (let i = 0; names.length < 2 * pairs; i++) {
    const name = `n${i}`
    const other = seen.get(hashOf(name))
    if (other === undefined) seen.set(hashOf(name), name)
    else names.push(other, name)
  }
  return names
}

const asObject = <T>(trie: NameTrie<T>) =>
  Object.fromEntries(
    entriesOf(trie)
      .map(({ name, value }) => [name, value] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )

const NAMES = [...collidingNames(8), ...Array.from({ length: 600 }, (_, i) => `${i}`)]

describe('a trie of names', () => {
  test.each([1, 2, 3, 4])('equals a Map under random changes, names of one hash among them; seed %i', (seed) => {
    const random = new SeededRandom(seed)
    const model = new Map<string, number>()
    let trie: NameTrie<number>
    const earlier: { readonly trie: NameTrie<number>; readonly held: Record<string, number> }[] = []
    for (let step = 0; step < 4000; step++) {
      const name = NAMES[random.below(random.below(2) === 0 ? 16 : NAMES.length)]!
      if (random.below(3) > 0) {
        trie = withName(trie, name, step)
        model.set(name, step)
      } else {
        trie = withoutName(trie, name)
        model.delete(name)
      }
      expect(findName(trie, name)).toBe(model.get(name))
      if (step % 500 === 0) earlier.push({ trie, held: asObject(trie) })
    }
    for (const name of NAMES) expect(findName(trie, name)).toBe(model.get(name))
    expect(entriesOf(trie).length).toBe(model.size)
    // What shares structure with it did not change.
    for (const { trie: old, held } of earlier) expect(asObject(old)).toEqual(held)
  })

  test('is the same when it holds the same, however it came about: nothing is left of what went', () => {
    let trie: NameTrie<number> = withName(undefined, NAMES[0]!, 0)
    const alone = trie
    for (const name of NAMES.slice(1)) trie = withName(trie, name, 1)
    for (const name of NAMES.slice(1)) trie = withoutName(trie, name)
    expect(trie).toEqual(alone)
    expect(withoutName(trie, NAMES[0]!)).toBeUndefined()
  })

  test('names of one hash may be many: no step grows the stack', () => {
    let trie: NameTrie<number>
    const [one, other] = collidingNames(1) as [string, string]
    for (const name of [one, other]) trie = withName(trie, name, 1)
    let list = trie as Exclude<NameTrie<number>, undefined | readonly unknown[]>
    for (let i = 0; i < 50_000; i++) list = { hash: list.hash, name: `${i} of one hash`, value: i, next: list }
    expect(findName<number>(list, one)).toBe(1)
    expect(findName(withoutName<number>(list, one), other)).toBe(1)
    expect(findName(withName<number>(list, one, 2), one)).toBe(2)
  })
})

describe('the children of a large directory', () => {
  test('are listed in the order in which they came, as those of a small one', () => {
    const random = new SeededRandom(5)
    const model = new Map<string, number>()
    let children = noChildren<number>()
    for (let step = 0; step < 3000; step++) {
      const name = NAMES[random.below(60)]!
      if (random.below(3) > 0) {
        children = children.set(name, step)
        model.set(name, step)
      } else {
        children = children.delete(name)
        model.delete(name)
      }
      expect(children.size).toBe(model.size)
      if (step % 50 === 0) expect([...children.entries()]).toEqual([...model])
    }
  })
})
