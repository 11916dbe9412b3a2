import { toBytes } from '@split-driver/xenbus'
import type { StreamSink } from './stream-sink.js'
import type { StreamSource } from './stream-source.js'

/** What was read so far, or is to be written, and the lengths that precede what they are lengths of. */
export interface Draft {
  readonly values: Record<string, unknown>
  readonly lengths: Map<string, number>
}

/** One piece of a record's body; reader and writer come from the same declaration. `V` is what it adds to the record. */
export interface Part<V extends object> {
  readonly name: string
  read(source: StreamSource, draft: Draft): void
  write(sink: StreamSink, draft: Draft): void
  /** Only for the compiler. */
  readonly adds?: V
}

/** Parts that are apart in the record: how long something is, and what it is. */
export interface Measured<V extends object> {
  readonly length: Part<object>
  readonly content: Part<V>
}

export type Value<K extends string, T> = { readonly [key in K]: T }

type Integer = 'u8' | 'u16' | 'u32' | 'i32'

const integer =
  (kind: Integer) =>
  <const K extends string>(name: K): Part<Value<K, number>> => ({
    name,
    read: (source, { values }) => {
      values[name] = source[kind]()
    },
    write: (sink, { values }) => sink[kind](values[name] as number),
  })

export const u8 = integer('u8')
export const u16 = integer('u16')
export const u32 = integer('u32')
export const i32 = integer('i32')

/** Bytes without a meaning: written as zero, not looked at. */
export const padding = (bytes: number): Part<object> => ({
  name: 'padding',
  read: (source) => void source.bytes(bytes),
  write: (sink) => sink.bytes(new Uint8Array(bytes)),
})

export const align = (bytes: number): Part<object> => ({
  name: 'padding',
  read: (source) => source.align(bytes),
  write: (sink) => sink.align(bytes),
})

/** Something with its length or count, in whatever unit, written elsewhere. */
export const measured = <const K extends string, T>(
  name: K,
  unit: 'u16' | 'u32',
  how: {
    readonly lengthOf: (value: T) => number
    readonly read: (source: StreamSource, length: number) => T
    readonly write: (sink: StreamSink, value: T) => void
  },
): Measured<Value<K, T>> => ({
  length: {
    name: `length of ${name}`,
    read: (source, { lengths }) => void lengths.set(name, source[unit]()),
    write: (sink, { values }) => sink[unit](how.lengthOf(values[name] as T)),
  },
  content: {
    name,
    read: (source, { values, lengths }) => {
      values[name] = how.read(source, lengths.get(name)!)
    },
    write: (sink, { values }) => how.write(sink, values[name] as T),
  },
})

export const bytes = <const K extends string>(name: K, unit: 'u16' | 'u32'): Measured<Value<K, Uint8Array>> =>
  measured<K, Uint8Array>(name, unit, {
    lengthOf: (value) => value.length,
    read: (source, length) => source.bytes(length),
    write: (sink, value) => sink.bytes(value),
  })

/** Bytes and a NUL, which counts. */
export const terminatedBytes = <const K extends string>(name: K): Measured<Value<K, Uint8Array>> =>
  measured<K, Uint8Array>(name, 'u16', {
    lengthOf: (value) => value.length + 1,
    read: readTerminated,
    write: writeTerminated,
  })

/** As `terminatedBytes`, of ASCII. */
export const terminatedText = <const K extends string>(name: K): Measured<Value<K, string>> =>
  measured<K, string>(name, 'u16', {
    lengthOf: (value) => value.length + 1,
    read: (source, length) => asciiText(source, readTerminated(source, length)),
    write: (sink, value) => writeTerminated(sink, toBytes(value)),
  })

export const asciiText = (source: StreamSource, text: Uint8Array): string => {
  if (text.some((code) => code < 0x20 || code > 0x7e)) throw source.error('is not ASCII')
  return String.fromCharCode(...text)
}

const readTerminated = (source: StreamSource, length: number): Uint8Array => {
  const all = source.bytes(length)
  if (length === 0 || all.indexOf(0) !== length - 1) throw source.error('does not end with its only NUL')
  return all.subarray(0, -1)
}

const writeTerminated = (sink: StreamSink, value: Uint8Array): void => {
  sink.bytes(value)
  sink.u8(0)
}
