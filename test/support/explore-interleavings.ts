import { FlatMemory, type SharedMemory } from '@split-driver/abi'

/** What an actor can do besides touching memory. */
export interface ActorContext {
  /** Sleeps until this word is not 0, then takes it: it is 0 afterwards. */
  waitFor(word: number): void
  /** Tells the checker something; kept in order. */
  note(value: number): void
  /**
   * Says that from here on the actor depends on `state` and on what it reads next, not on what it has read before: pasts
   * that lead to the same state are then explored once.
   */
  forget(state: string): void
}

/** A thread's whole program. It must depend on nothing but what it reads from `memory`. */
export type Actor = (memory: SharedMemory, context: ActorContext) => void

export interface Exploration {
  readonly bytes: number
  readonly prepare?: (memory: SharedMemory) => void
  readonly actors: readonly Actor[]
  /**
   * Plain stores of words wait in a buffer of their actor's and reach memory later, in order, as x86 does it (total store
   * order); every other access but a plain load first empties it. Without this a missing barrier changes nothing.
   */
  readonly storeBuffers?: boolean
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
  /** By actor: all that it still depends on. */
  readonly pasts: readonly string[]
  /** By actor: its stores that have not reached memory yet, oldest first. */
  readonly buffers: readonly StoreBuffer[]
}

type StoreBuffer = readonly { readonly word: number; readonly value: number }[]

interface Step {
  readonly kind: 'stepped' | 'finished' | 'asleep'
  readonly words: Int32Array
  readonly log: readonly number[]
  readonly past: string
  readonly buffer: StoreBuffer
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
  const { actors, storeBuffers = false } = exploration
  const seen = new Set<string>()
  const none = actors.map(() => [])
  const stack: State[] = [{ words: start, logs: none, pasts: actors.map(() => ''), buffers: none }]
  let endings = 0
  for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
    const key = keyOf(state, start)
    if (seen.has(key)) continue
    seen.add(key)
    const steps = actors.map((actor, i) => step(actor, state, i, storeBuffers))
    const moved = steps.flatMap((taken, i) => (taken.kind === 'stepped' ? [advanced(state, i, taken)] : []))
    moved.push(...drained(state))
    stack.push(...moved)
    if (moved.length > 0) continue
    endings++
    exploration.check(
      new FlatMemory(state.words.buffer),
      steps.map(({ notes }) => notes),
    )
  }
  return { states: seen.size, endings }
}

const advanced = (state: State, i: number, { words, log, past, buffer }: Step): State => ({
  words,
  logs: state.logs.with(i, log),
  pasts: state.pasts.with(i, past),
  buffers: state.buffers.with(i, buffer),
})

/** What follows when one actor's oldest buffered store reaches memory. */
const drained = ({ buffers, words, ...state }: State): State[] =>
  buffers.flatMap(([oldest, ...rest], i) => {
    if (oldest === undefined) return []
    const copy = new Int32Array(new SharedArrayBuffer(words.byteLength))
    copy.set(words)
    copy[oldest.word] = oldest.value
    return [{ ...state, words: copy, buffers: buffers.with(i, rest) }]
  })

const keyOf = ({ words, pasts, buffers }: State, start: Int32Array): string => {
  let key = ''
  for (let word = 0; word < words.length; word++) {
    if (words[word] !== start[word]) key += `${word}=${words[word]},`
  }
  for (const past of pasts) key += `|${past}`
  for (const buffer of buffers) key += `|${buffer.map(({ word, value }) => `${word}=${value}`).join()}`
  return key
}

const step = (actor: Actor, { words, logs, buffers }: State, self: number, storeBuffers: boolean): Step => {
  const past = logs[self]!
  const copy = new Int32Array(new SharedArrayBuffer(words.byteLength))
  copy.set(words)
  const memory = new SteppedMemory(copy.buffer, past, storeBuffers ? [...buffers[self]!] : undefined)
  const notes: number[] = []
  const note = (value: number): void => {
    notes.push(value)
  }
  let remembered = 0
  let summary = ''
  const forget = (state: string): void => {
    remembered = memory.accesses
    summary = `${state}/${notes.join()}/`
  }
  try {
    actor(memory, { waitFor: (word) => memory.waitFor(word), note, forget })
  } catch (error) {
    if (error !== SUSPENDED) throw error
  }
  const kind = memory.log.length > past.length ? 'stepped' : memory.suspended ? 'asleep' : 'finished'
  const left = summary + memory.log.slice(remembered).join()
  return { kind, words: copy, log: memory.log, past: left, buffer: memory.buffer ?? [], notes }
}

/** Shared memory that lets one access through, after those of the past, and ends the run at the next. */
class SteppedMemory implements SharedMemory {
  readonly byteLength: number
  readonly log: number[]
  suspended = false
  /** Stores on their way; undefined where they take effect at once. */
  readonly buffer: { word: number; value: number }[] | undefined
  readonly #memory: FlatMemory
  readonly #past: number
  #next = 0

  constructor(words: ArrayBufferLike, past: readonly number[], buffer: { word: number; value: number }[] | undefined) {
    this.#memory = new FlatMemory(words)
    this.byteLength = words.byteLength
    this.buffer = buffer
    this.#past = past.length
    this.log = [...past]
  }

  /** How many were made in this run, those of the past among them. */
  get accesses(): number {
    return this.#next
  }

  waitFor(word: number): void {
    if (this.#next === this.#past && (this.#buffered(word) ?? this.#memory.load(word)) === 0) this.#suspend()
    this.#access(() => this.#memory.exchange(word, 0))
  }

  load = (word: number) => this.#access(() => this.#buffered(word) ?? this.#memory.load(word), false)
  load16 = (halfWord: number) => this.#access(() => this.#memory.load16(halfWord))
  load8 = (byte: number) => this.#access(() => this.#memory.load8(byte))
  loadOrdered = (word: number) => this.#access(() => this.#memory.loadOrdered(word))
  store = (word: number, value: number) => this.#write(() => this.#storePlain(word, value), false)
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

  #buffered(word: number): number | undefined {
    return this.buffer?.findLast((store) => store.word === word)?.value
  }

  #storePlain(word: number, value: number): void {
    if (this.buffer === undefined) this.#memory.store(word, value)
    else this.buffer.push({ word, value })
  }

  #write(access: () => void, ordered = true): void {
    this.#access(() => {
      access()
      return 0
    }, ordered)
  }

  #access(access: () => number, ordered = true): number {
    if (this.suspended || this.#next > this.#past) this.#suspend()
    const index = this.#next++
    if (index < this.#past) return this.log[index]!
    if (ordered) for (const { word, value } of this.buffer?.splice(0) ?? []) this.#memory.store(word, value)
    const answer = access()
    this.log.push(answer)
    return answer
  }

  #suspend(): never {
    this.suspended = true
    throw SUSPENDED
  }
}
