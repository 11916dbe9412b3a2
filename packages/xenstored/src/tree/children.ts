import { OrderedMap } from 'immutable'

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
    if (this.size === SMALL) return OrderedMap(this.entries()).set(name, child)
    return new FewChildren([...this.#names, name], [...this.#nodes, child])
  }
}

const without = <E>(elements: readonly E[], index: number): E[] => [
  ...elements.slice(0, index),
  ...elements.slice(index + 1),
]

const NONE: Children<never> = new FewChildren<never>([], [])

export const noChildren = <T>(): Children<T> => NONE as Children<unknown> as Children<T>
