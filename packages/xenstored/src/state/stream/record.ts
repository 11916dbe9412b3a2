import type { Draft, Part } from './parts.js'
import type { StreamSink } from './stream-sink.js'
import type { StreamSource } from './stream-source.js'

/** All records have a length that is a multiple of this. */
export const RECORD_ALIGNMENT = 8

type Adds<P> = P extends Part<infer V> ? V : never
type Both<U> = (U extends unknown ? (value: U) => void : never) extends (value: infer I) => void ? I : never
type Flat<T> = { readonly [K in keyof T]: T[K] }

/** What a record with these parts holds. */
export type ValuesOf<P extends readonly Part<object>[]> = Flat<Both<Adds<P[number]>>>

/** How one kind of record looks: its number, its name, and its body's parts in their order. */
export interface RecordKind<Name extends string = string, V extends object = object> {
  readonly type: number
  readonly name: Name
  /** The stream's version that brought it. */
  readonly since: number
  read(source: StreamSource): V
  write(sink: StreamSink, values: V): void
}

export const recordKind = <const Name extends string, const P extends readonly Part<object>[]>(
  type: number,
  name: Name,
  since: number,
  parts: P,
): RecordKind<Name, ValuesOf<P>> => ({
  type,
  name,
  since,
  read: (source) => {
    const draft: Draft = { values: {}, lengths: new Map() }
    for (const part of parts) {
      source.begin(part.name)
      part.read(source, draft)
    }
    source.begin('padding')
    if (source.remaining >= RECORD_ALIGNMENT) throw source.error(`${source.remaining} bytes are left over`)
    return draft.values as ValuesOf<P>
  },
  write: (sink, values) => {
    const draft: Draft = { values: values as Draft['values'], lengths: new Map() }
    for (const part of parts) part.write(sink, draft)
  },
})

/** What a kind of record holds, with its name. */
export type RecordOf<K> = K extends RecordKind<infer Name, infer V> ? V & { readonly kind: Name } : never
