import { entriesOf, findName, type NameTrie, withName, withoutName } from './name-trie.js'

/**
 * Children by name in the order in which they came; never changed, only replaced. Most directories are small, and copying
 * two short arrays is the cheapest there is, which also keeps a write at the end of a very deep path cheap (S6). A large
 * one shares structure, so that its cost does not grow with its size.
 */
export interface Children<T> {
  readonly size: number
  get(name: string): T | undefined
  set(name: string, child: T): Children<T>
  delete(name: string): Children<T>
  entries(): IterableIterator<[string, T]>
}

const SMALL = 16

class FewChildren<T> implements Children<T> {
  readonly #names: readonly string[]
  readonly #nodes: readonly T[]

  constructor(names: readonly string[], nodes: readonly T[]) {
    this.#names = names
    this.#nodes = nodes
  }

  get size(): number {
    return this.#names.length
  }

  get(name: string): T | undefined {
    const index = this.#names.indexOf(name)
    return index < 0 ? undefined : this.#nodes[index]
  }

  set(name: string, child: T): Children<T> {
    const index = this.#names.indexOf(name)
    if (index < 0) return this.#with(name, child)
    const nodes = this.#nodes.slice()
    nodes[index] = child
    return new FewChildren(this.#names, nodes)
  }

  delete(name: string): Children<T> {
    const index = this.#names.indexOf(name)
    return index < 0 ? this : new FewChildren(without(this.#names, index), without(this.#nodes, index))
  }

  *entries(): IterableIterator<[string, T]> {
    for (let i = 0; i < this.#names.length; i++) yield [this.#names[i]!, this.#nodes[i]!]
  }

  #with(name: string, child: T): Children<T> {
    if (this.size === SMALL) return ManyChildren.of(this.entries()).set(name, child)
    return new FewChildren([...this.#names, name], [...this.#nodes, child])
  }
}

const without = <E>(elements: readonly E[], index: number): E[] => [
  ...elements.slice(0, index),
  ...elements.slice(index + 1),
]

/** A child, and where it stands among the others: numbers that grow, with gaps where some went. */
interface Placed<T> {
  readonly child: T
  readonly place: number
}

class ManyChildren<T> implements Children<T> {
  readonly #byName: NameTrie<Placed<T>>
  readonly size: number
  readonly #nextPlace: number

  private constructor(byName: NameTrie<Placed<T>>, size: number, nextPlace: number) {
    this.#byName = byName
    this.size = size
    this.#nextPlace = nextPlace
  }

  static of<T>(entries: Iterable<[string, T]>): ManyChildren<T> {
    let children = new ManyChildren<T>(undefined, 0, 0)
    for (const [name, child] of entries) children = children.set(name, child)
    return children
  }

  get(name: string): T | undefined {
    return findName(this.#byName, name)?.child
  }

  set(name: string, child: T): ManyChildren<T> {
    const place = findName(this.#byName, name)?.place
    if (place !== undefined)
      return new ManyChildren(withName(this.#byName, name, { child, place }), this.size, this.#nextPlace)
    const more = withName(this.#byName, name, { child, place: this.#nextPlace })
    return new ManyChildren(more, this.size + 1, this.#nextPlace + 1)
  }

  delete(name: string): ManyChildren<T> {
    if (findName(this.#byName, name) === undefined) return this
    return new ManyChildren(withoutName(this.#byName, name), this.size - 1, this.#nextPlace)
  }

  *entries(): IterableIterator<[string, T]> {
    const entries = entriesOf(this.#byName).sort((a, b) => a.value.place - b.value.place)
    for (const { name, value } of entries) yield [name, value.child]
  }
}

const NONE: Children<never> = new FewChildren<never>([], [])

export const noChildren = <T>(): Children<T> => NONE as Children<unknown> as Children<T>
