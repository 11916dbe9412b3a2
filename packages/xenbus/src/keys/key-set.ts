import { XenError } from '@split-driver/abi'
import { joinPath } from '../wire/path.js'
import type { CallOptions, TransactionOptions, XenStore, XenStoreOperations } from '../xenstore.js'
import type { Key } from './key.js'

/** Keys and the text to write under each, relative to a device's directory: `{ 'ring-ref': 8, 'feature-x': true }`. */
export type KeysToWrite = Readonly<Record<string, string | number | boolean | undefined>>

export type KeyShapes = Readonly<Record<string, Key<unknown>>>

/** What reading a key set gives: each key's name and its value. */
export type KeyValues<Shapes extends KeyShapes> = {
  readonly [Name in keyof Shapes]: Shapes[Name] extends Key<infer T> ? T : never
}

/** Values for some of the keys; what is `undefined` or left out is not written. */
export type SomeKeyValues<Shapes extends KeyShapes> = {
  readonly [Name in keyof Shapes]?: KeyValues<Shapes>[Name] | undefined
}

/** The keys that one half writes and the other reads, declared once: names, types, defaults. */
export interface KeySet<Shapes extends KeyShapes> {
  /**
   * Reads all of them below `directory`, in one pass; what is missing takes its default. Another's write may get in between:
   * inside a transaction, and by `readTogether`, they are all of one moment.
   * @throws XenError ENOENT a key without a default is missing; BAD_KEY one is there and makes no sense (rule 37)
   */
  read(store: Pick<XenStoreOperations, 'tryRead'>, directory: string, options?: CallOptions): Promise<KeyValues<Shapes>>
  /** As `read`, in a transaction of its own. @throws XenError as `read`, and EAGAIN */
  readTogether(
    store: Pick<XenStore, 'transaction'>,
    directory: string,
    options?: TransactionOptions,
  ): Promise<KeyValues<Shapes>>
  /** Writes these values below `directory`, in a transaction of its own: who watches sees all of them or none. */
  write(
    store: Pick<XenStore, 'transaction'>,
    directory: string,
    values: SomeKeyValues<Shapes>,
    options?: TransactionOptions,
  ): Promise<void>
  /** The text for each of these values. */
  format(values: SomeKeyValues<Shapes>): Record<string, string>
  readonly shapes: Shapes
}

/** Characters of a peer's value that a message repeats; a value may have 4096. */
const SHOWN = 64

const show = (text: string): string => JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text)

/** @throws XenError ENOENT BAD_KEY; `detail` has path, value and what was expected */
export const parseKey = <T>(key: Key<T>, path: string, text: string | undefined): T => {
  const { expected, fallback } = key
  if (text === undefined) {
    if (fallback) return fallback.value
    throw new XenError('ENOENT', `${path} is missing; expected ${expected}`, { detail: { path, expected } })
  }
  const value = key.parse(text)
  if (value !== undefined) return value
  throw new XenError('BAD_KEY', `${path} is ${show(text)}; expected ${expected}`, {
    detail: { path, value: text, expected },
  })
}

/** Where a missing key's value comes from: itself, or the last of those it falls back to. */
const sourceOf = (shapes: KeyShapes, name: string, isMissing: (name: string) => boolean): string => {
  const passed = new Set<string>()
  let source = name
  for (let next = shapes[name]?.fallbackKey; next !== undefined; next = shapes[source]?.fallbackKey) {
    passed.add(source)
    if (!(next in shapes) || passed.has(next)) throw new TypeError(`the key ${name} cannot default to ${next}`)
    if (!isMissing(source)) return source
    source = next
  }
  return source
}

/**
 * Declares a set of keys: `keySet({ 'feature-flush-cache': flag(false), 'sector-size': u32Key(512) })`.
 * @throws TypeError if a key defaults to one that is not in the set, or to itself in the end
 */
export const keySet = <const Shapes extends KeyShapes>(shapes: Shapes): KeySet<Shapes> => {
  const names = Object.keys(shapes)
  // A set that can never be read is its author's mistake, told where it is made.
  for (const name of names) sourceOf(shapes, name, () => true)
  const read: KeySet<Shapes>['read'] = async (store, directory, options) => {
    const path = (name: string): string => joinPath(directory, name)
    const found = await Promise.all(names.map((name) => store.tryRead(path(name), options)))
    const texts = new Map(names.map((name, i) => [name, found[i]]))
    const judged = (name: string): unknown => {
      const source = sourceOf(shapes, name, (one) => texts.get(one) === undefined)
      return parseKey(shapes[source]!, path(source), texts.get(source))
    }
    return Object.fromEntries(names.map((name) => [name, judged(name)])) as KeyValues<Shapes>
  }
  const format: KeySet<Shapes>['format'] = (values) => {
    const given = Object.entries(values).filter(([, value]) => value !== undefined)
    return Object.fromEntries(given.map(([name, value]) => [name, shapes[name]!.format(value)]))
  }
  return {
    shapes,
    read,
    format,
    readTogether: (store, directory, options) => store.transaction((t) => read(t, directory), options),
    write: async (store, directory, values, options) => {
      const texts = Object.entries(format(values))
      await store.transaction(
        (t) => Promise.all(texts.map(([name, text]) => t.write(joinPath(directory, name), text))),
        options,
      )
    },
  }
}

/** The text of a value that is to be written: numbers in decimal, `true` as 1. */
export const keyText = (value: string | number | boolean): string =>
  typeof value === 'boolean' ? (value ? '1' : '0') : String(value)
