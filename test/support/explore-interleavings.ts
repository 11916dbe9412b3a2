import { FlatMemory, type SharedMemory } from '@split-driver/abi'

/** What an actor can do besides touching memory. */
export interface ActorContext {
  /** Sleeps until this word is not 0, then takes it: it is 0 afterwards. */
  waitFor(word: number): void
  /** Tells the checker something; kept in order. */
  note(value: number): void
}

/** A thread's whole program. It must depend on nothing but what it reads from `memory`. */
export type Actor = (memory: SharedMemory, context: ActorContext) => void

export interface Exploration {
  readonly bytes: number
  readonly prepare?: (memory: SharedMemory) => void
  readonly actors: readonly Actor[]
  /** Called with each way things can end: every actor has finished, or sleeps for good. */
  readonly check: (memory: SharedMemory, notes: readonly (readonly number[])[]) => void
}

/** How much was explored. */
export interface Explored {
  readonly states: number
  readonly endings: number
}

interface State {
  readonly words: Int32Array
  /** By actor: what each of its memory accesses answered so far. */
  readonly logs: readonly (readonly number[])[]
}

interface Step {
  readonly kind: 'stepped' | 'finished' | 'asleep'
  readonly words: Int32Array
  readonly log: readonly number[]
  readonly notes: readonly number[]
}

const SUSPENDED = Symbol('suspended')

/**
 * Runs actors in every order of their memory accesses, one access at a time, and checks each ending. A program cannot be
 * suspended in the middle of a synchronous call, so it is run again from its start: accesses of the past answer from the
 * log, the next one is performed, the one after that ends the run. States that were met before are not explored again.
 */
export const exploreInterleavings = (exploration: Exploration): Explored => {
  const start = new Int32Array(new SharedArrayBuffer(exploration.bytes))
  exploration.prepare?.(new FlatMemory(start.buffer))
  const seen = new Set<string>()
  const stack: State[] = [{ words: start, logs: exploration.actors.map(() => []) }]
  let endings = 0
  for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
    const key = keyOf(state, start)
    if (seen.has(key)) continue
    seen.add(key)
    const { words, logs } = state
    const steps = exploration.actors.map((actor, i) => step(actor, words, logs[i]!))
    const moved = steps.flatMap((taken, i) => (taken.kind === 'stepped' ? [{ taken, i }] : []))
    for (const { taken, i } of moved) stack.push({ words: taken.words, logs: logs.with(i, taken.log) })
    if (moved.length > 0) continue
    endings++
    exploration.check(
      new FlatMemory(words.buffer),
      steps.map(({ notes }) => notes),
    )
  }
  return { states: seen.size, endings }
}

const keyOf = ({ words, logs }: State, start: Int32Array): string => {
  let key = ''
  for (let word = 0; word < words.length; word++) {
    if (words[word] !== start[word]) key += `${word}=${words[word]},`
  }
  for (const log of logs) key += `|${log.join()}`
  return key
}

const step = (actor: Actor, words: Int32Array, past: readonly number[]): Step => {
  const copy = new Int32Array(new SharedArrayBuffer(words.byteLength))
  copy.set(words)
  const memory = new SteppedMemory(copy.buffer, past)
  const notes: number[] = []
  const note = (value: number): void => {
    notes.push(value)
  }
  try {
    actor(memory, { waitFor: (word) => memory.waitFor(word), note })
  } catch (error) {
    if (error !== SUSPENDED) throw error
  }
  const kind = memory.log.length > past.length ? 'stepped' : memory.suspended ? 'asleep' : 'finished'
  return { kind, words: copy, log: memory.log, notes }
}

/** Shared memory that lets one access through, after those of the past, and ends the run at the next. */
class SteppedMemory implements SharedMemory {
  readonly byteLength: number
  readonly log: number[]
  suspended = false
  readonly #memory: FlatMemory
  readonly #past: number
  #next = 0

  constructor(buffer: ArrayBufferLike, past: readonly number[]) {
    this.#memory = new FlatMemory(buffer)
    this.byteLength = buffer.byteLength
    this.#past = past.length
    this.log = [...past]
  }

  waitFor(word: number): void {
    if (this.#next === this.#past && this.#memory.load(word) === 0) this.#suspend()
    this.#access(() => this.#memory.exchange(word, 0))
  }

  load = (word: number) => this.#access(() => this.#memory.load(word))
  load16 = (halfWord: number) => this.#access(() => this.#memory.load16(halfWord))
  load8 = (byte: number) => this.#access(() => this.#memory.load8(byte))
  loadOrdered = (word: number) => this.#access(() => this.#memory.loadOrdered(word))
  store = (word: number, value: number) => this.#write(() => this.#memory.store(word, value))
  store16 = (halfWord: number, value: number) => this.#write(() => this.#memory.store16(halfWord, value))
  store8 = (byte: number, value: number) => this.#write(() => this.#memory.store8(byte, value))
  storeOrdered = (word: number, value: number) => this.#write(() => this.#memory.storeOrdered(word, value))
  exchange = (word: number, value: number) => this.#access(() => this.#memory.exchange(word, value))
  exchange8 = (byte: number, value: number) => this.#access(() => this.#memory.exchange8(byte, value))
  or = (word: number, bits: number) => this.#access(() => this.#memory.or(word, bits))
  and = (word: number, bits: number) => this.#access(() => this.#memory.and(word, bits))
  compareExchange = (word: number, expected: number, value: number) =>
    this.#access(() => this.#memory.compareExchange(word, expected, value))
  compareExchange16 = (halfWord: number, expected: number, value: number) =>
    this.#access(() => this.#memory.compareExchange16(halfWord, expected, value))

  copyOut(word: number, count: number, target: Int32Array, at: number): void {
    for (let i = 0; i < count; i++) target[at + i] = this.load(word + i)
  }

  copyIn(word: number, source: Int32Array, at: number, count: number): void {
    for (let i = 0; i < count; i++) this.store(word + i, source[at + i]!)
  }

  bytes(): Uint8Array {
    throw new TypeError('bytes in place cannot be stepped through')
  }

  mutableBytes(): Uint8Array {
    return this.bytes()
  }

  #write(access: () => void): void {
    this.#access(() => {
      access()
      return 0
    })
  }

  #access(access: () => number): number {
    if (this.suspended || this.#next > this.#past) this.#suspend()
    const index = this.#next++
    if (index < this.#past) return this.log[index]!
    const answer = access()
    this.log.push(answer)
    return answer
  }

  #suspend(): never {
    this.suspended = true
    throw SUSPENDED
  }
}
