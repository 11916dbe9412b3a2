import type { Outgoing } from './outgoing.js'

const tokenText = new TextDecoder('latin1')

/** Messages in the order in which they came, and which watch events are among them. */
export class WaitingMessages {
  readonly #messages: Outgoing[] = []
  /** Those before have gone. */
  #first = 0
  /** The event of each path that came first; nearly always it is the only one. */
  readonly #events = new Map<string, Outgoing>()
  /** Events of a path that had one already, by path and token. */
  readonly #others = new Map<string, Outgoing>()

  get size(): number {
    return this.#messages.length - this.#first
  }

  /** @returns the one that came as number `index` of those that are here */
  at(index: number): Outgoing | undefined {
    return this.#messages[this.#first + index]
  }

  push(message: Outgoing): void {
    this.#messages.push(message)
  }

  /** As `push`, unless there is an event like it. @returns whether there was none */
  pushUnlessThere(path: string, event: Outgoing): boolean {
    const before = this.#events.get(path)
    if (before !== undefined && sameBytes(before.body, event.body)) return false
    if (before === undefined && this.#others.size === 0) this.#events.set(path, event)
    else {
      const key = keyOf(path, event)
      if (this.#others.has(key)) return false
      if (before === undefined) this.#events.set(path, event)
      else this.#others.set(key, event)
    }
    this.#messages.push(event)
    return true
  }

  /** Takes out the first. */
  shift(): void {
    const message = this.#messages[this.#first]!
    this.#first += 1
    if (message.path !== undefined) this.#forget(message.path, message)
    if (this.#first === this.#messages.length) this.#messages.length = 0
    else if (this.#first === LONG) this.#messages.splice(0, LONG)
    else return
    this.#first = 0
  }

  clear(): void {
    this.#messages.length = 0
    this.#first = 0
    this.#events.clear()
    this.#others.clear()
  }

  #forget(path: string, event: Outgoing): void {
    if (this.#events.get(path) === event) this.#events.delete(path)
    else if (this.#others.size > 0) this.#others.delete(keyOf(path, event))
  }
}

/** How many that have gone are kept before the others move up. */
const LONG = 64

const keyOf = (path: string, { body }: Outgoing): string => `${path}\0${tokenText.decode(body)}`

export const sameBytes = (one: Uint8Array, other: Uint8Array): boolean =>
  one === other || (one.length === other.length && one.every((byte, i) => byte === other[i]))
