import { toBytes, toText } from '@split-driver/xenbus'
import type { Part, Value } from '../stream/parts.js'
import { asciiText } from '../stream/parts.js'
import type { StreamSink } from '../stream/stream-sink.js'
import type { StreamSource } from '../stream/stream-source.js'

/** One of a list. */
export interface Item<T> {
  readonly read: (source: StreamSource) => T
  readonly write: (sink: StreamSink, value: T) => void
}

const LARGEST = BigInt(Number.MAX_SAFE_INTEGER)

/** A count of 64 bits that is as exact as a number. */
export const safeIntegerItem: Item<number> = {
  read: (source) => {
    const value = source.u64()
    if (value > LARGEST) throw source.error(`${value} is too large`)
    return Number(value)
  },
  write: (sink, value) => sink.u64(BigInt(value)),
}

export const textItem: Item<string> = {
  read: (source) => asciiText(source, source.bytes(source.u16())),
  write: (sink, text) => {
    sink.u16(text.length)
    sink.bytes(toBytes(text))
  },
}

/** A file's name may be of any characters. */
export const fileNameItem: Item<string> = {
  read: (source) => toText(source.bytes(source.u16())),
  write: (sink, name) => {
    const encoded = toBytes(name)
    sink.u16(encoded.length)
    sink.bytes(encoded)
  },
}

export const one = <const K extends string, T>(name: K, { read, write }: Item<T>): Part<Value<K, T>> => ({
  name,
  read: (source, { values }) => {
    values[name] = read(source)
  },
  write: (sink, { values }) => write(sink, values[name] as T),
})

/** Any number of them, after their count. */
export const list = <const K extends string, T>(name: K, { read, write }: Item<T>): Part<Value<K, readonly T[]>> =>
  one<K, readonly T[]>(name, {
    read: (source) => {
      const items: T[] = []
      for (let left = source.u32(); left > 0; left--) items.push(read(source))
      return items
    },
    write: (sink, items) => {
      sink.u32(items.length)
      for (const item of items) write(sink, item)
    },
  })
