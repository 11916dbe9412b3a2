/** A name and what is kept by it. */
export interface NameEntry<T> {
  readonly hash: number
  readonly name: string
  readonly value: T
  /** Another name that has the same hash. */
  readonly next: NameEntry<T> | undefined
}

/**
 * A map by names that shares structure with the ones it was made from. Each level of arrays decides by some bits of a
 * name's hash, down to where one hash is left: what is looked for is a few steps away however many names there are.
 * Names that somebody made alike in their whole hash make a list, no longer than that domain's quota of nodes.
 */
export type NameTrie<T> = NameEntry<T> | readonly NameTrie<T>[] | undefined

const LEVEL_BITS = 5
const WIDTH = 1 << LEVEL_BITS

/** FNV-1a, its bits mixed: names are often numbers in a row. */
export const hashOf = (name: string): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return hash ^ (hash >>> 13)
}

const isLevel = <T>(trie: NameTrie<T>): trie is readonly NameTrie<T>[] => Array.isArray(trie)

const indexAt = (hash: number, shift: number): number => (hash >>> shift) & (WIDTH - 1)

export const findName = <T>(trie: NameTrie<T>, name: string): T | undefined => {
  let below = trie
  for (let bits = hashOf(name); isLevel(below); bits >>>= LEVEL_BITS) below = below[bits & (WIDTH - 1)]
  while (below !== undefined && below.name !== name) below = below.next
  return below?.value
}

export const withName = <T>(trie: NameTrie<T>, name: string, value: T): NameTrie<T> =>
  put(trie, 0, { hash: hashOf(name), name, value, next: undefined })

/** @param shift how many bits of the hash have led here */
const put = <T>(trie: NameTrie<T>, shift: number, entry: NameEntry<T>): NameTrie<T> => {
  if (trie === undefined) return entry
  if (isLevel(trie)) {
    const index = indexAt(entry.hash, shift)
    return replaced(trie, index, put(trie[index], shift + LEVEL_BITS, entry))
  }
  if (trie.hash === entry.hash) return { ...entry, next: unlinked(trie, entry.name) }
  const level = new Array<NameTrie<T>>(WIDTH).fill(undefined)
  level[indexAt(trie.hash, shift)] = trie
  return put(level, shift, entry)
}

export const withoutName = <T>(trie: NameTrie<T>, name: string): NameTrie<T> => cut(trie, 0, hashOf(name), name)

/** At most seven levels deep, as `put`: a hash has 32 bits. */
const cut = <T>(trie: NameTrie<T>, shift: number, hash: number, name: string): NameTrie<T> => {
  if (!isLevel(trie)) return unlinked(trie, name)
  const index = indexAt(hash, shift)
  const rest = cut(trie[index], shift + LEVEL_BITS, hash, name)
  return isLevel(rest) ? replaced(trie, index, rest) : shortened(replaced(trie, index, rest))
}

/** A level on which nothing is left to decide is none. */
const shortened = <T>(level: readonly NameTrie<T>[]): NameTrie<T> => {
  const left = level.filter((below) => below !== undefined)
  return left.length > 1 || isLevel(left[0]) ? level : left[0]
}

const replaced = <T>(level: readonly NameTrie<T>[], index: number, below: NameTrie<T>): readonly NameTrie<T>[] => {
  const copy = level.slice()
  copy[index] = below
  return copy
}

/** The list without the entry of that name, if it has one; what comes behind it is shared. */
const unlinked = <T>(list: NameEntry<T> | undefined, name: string): NameEntry<T> | undefined => {
  const kept: NameEntry<T>[] = []
  let entry = list
  while (entry !== undefined && entry.name !== name) {
    kept.push(entry)
    entry = entry.next
  }
  if (entry === undefined) return list
  let rest = entry.next
  for (const before of kept.reverse()) rest = { ...before, next: rest }
  return rest
}

/** In no order. */
export const entriesOf = <T>(trie: NameTrie<T>): NameEntry<T>[] => {
  const found: NameEntry<T>[] = []
  const left: NameTrie<T>[] = [trie]
  while (left.length > 0) {
    const below = left.pop()
    if (isLevel(below)) left.push(...below)
    else for (let entry = below; entry !== undefined; entry = entry.next) found.push(entry)
  }
  return found
}
