/**
 * One declaration per C struct: it yields the size, the offsets, a reader and a writer.
 *
 * Layouts read and write *private* 32-bit words. `SharedMemory.copyOut` fetches shared bytes once, then a layout judges
 * the copy; a layout fills private words, then `copyIn` publishes them. Field accessors allocate nothing; `read` and
 * `write`, which deal in whole records, are for paths that are not hot.
 */
export interface Field<T> {
  /** Bytes from the start of the struct. */
  readonly offset: number
  readonly bytes: number
  /** Index of the word that holds the field's first byte. */
  readonly word: number
  get(words: Int32Array, base: number): T
  set(words: Int32Array, base: number, value: T): void
}

/** A 64-bit field; its two words can be moved without a BigInt. */
export interface Field64 extends Field<bigint> {
  /** The value, or Infinity if it is no safe integer. Allocates nothing. */
  getNumber(words: Int32Array, base: number): number
  /** @param value a safe integer, not negative. */
  setNumber(words: Int32Array, base: number, value: number): void
}

export interface ArrayField<F extends FieldShapes> extends Field<Values<F>[]> {
  readonly count: number
  readonly element: Layout<F>
  /** Word index of element `i` relative to the struct's base. The element must be a whole number of words. */
  wordOf(i: number): number
}

export interface BytesField extends Field<Uint8Array> {}

export interface WordsField extends Field<number[]> {
  readonly count: number
  /** Word index of element `i` relative to the struct's base. */
  wordOf(i: number): number
}

/** A struct inside a struct; `word` is where the inner one's base lies. */
export interface NestedField<F extends FieldShapes> extends Field<Values<F>> {
  readonly layout: Layout<F>
}

export type FieldShapes = Readonly<Record<string, Field<unknown>>>

export type Values<F extends FieldShapes> = {
  -readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never
}

export interface Layout<F extends FieldShapes> {
  /** The C struct's name. */
  readonly name: string
  readonly bytes: number
  /** Size in words, rounded up. */
  readonly words: number
  readonly at: F
  read(words: Int32Array, base?: number): Values<F>
  /** Sets the named fields; the others keep what they hold. */
  write(words: Int32Array, value: Partial<Values<F>>, base?: number): void
  /** A fresh private struct holding these fields, zero elsewhere. */
  create(value: Partial<Values<F>>): Int32Array
}

/** The record that a layout reads and writes. */
export type Infer<L> = L extends Layout<infer F> ? Values<F> : never

/**
 * Declares a struct.
 * @param name the C struct's name, for messages and for the C oracle
 * @param bytes its size as C's `sizeof` tells it
 * @throws RangeError if fields overlap, are misaligned or do not fit: a wrong declaration fails when it is loaded
 */
export const struct = <F extends FieldShapes>(name: string, bytes: number, at: F): Layout<F> => {
  assertFits(name, bytes, Object.entries(at))
  const fields = Object.entries(at)
  const words = (bytes + 3) >> 2
  const write = (target: Int32Array, value: Partial<Values<F>>, base = 0): void => {
    for (const [key, field] of fields) {
      const given = value[key as keyof F]
      if (given !== undefined) field.set(target, base, given)
    }
  }
  return {
    name,
    bytes,
    words,
    at,
    read: (source, base = 0) =>
      Object.fromEntries(fields.map(([key, field]) => [key, field.get(source, base)])) as Values<F>,
    write,
    create: (value) => {
      const target = new Int32Array(words)
      write(target, value)
      return target
    },
  }
}

const assertFits = (name: string, bytes: number, fields: [string, Field<unknown>][]): void => {
  let end = 0
  let before = 'its start'
  for (const [key, field] of fields.sort((a, b) => a[1].offset - b[1].offset)) {
    if (field.offset < end) throw new RangeError(`${name}.${key} at ${field.offset} overlaps ${before}`)
    end = field.offset + field.bytes
    before = key
  }
  if (end > bytes) throw new RangeError(`${name}.${before} ends at ${end}, beyond the struct's ${bytes} bytes`)
}
