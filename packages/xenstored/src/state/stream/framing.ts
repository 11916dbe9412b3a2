import { RECORD_ALIGNMENT, type RecordKind } from './record.js'
import type { StreamSink } from './stream-sink.js'
import { type SourceOptions, StreamSource } from './stream-source.js'

/** The record that ends a stream. */
const END = 0

/** A record with the name of its kind. */
export interface AnyRecord {
  readonly kind: string
}

export interface FramedRecord {
  /** `undefined` is the END. */
  readonly record: AnyRecord | undefined
  /** Where the next one begins. */
  readonly next: number
}

/** @throws XenError EPROTO for what is none of these kinds, or reaches beyond the bytes */
export const readRecord = (kinds: readonly RecordKind[], place: Omit<SourceOptions, 'end'>): FramedRecord => {
  const { bytes } = place
  const head = new StreamSource({ ...place, end: bytes.length })
  head.begin('type')
  const type = head.u32()
  const kind = kinds.find((each) => each.type === type)
  if (kind === undefined && type !== END) throw head.error(`${type} is unknown in version ${place.version}`)
  head.begin('len')
  const length = head.u32()
  if (length > head.remaining) throw head.error(`${length} bytes where ${head.remaining} are left`)
  if (kind === undefined && length > 0) throw head.error('END has no body')
  const start = bytes.length - head.remaining
  if (kind === undefined) return { record: undefined, next: start }
  const values = kind.read(new StreamSource({ ...place, start, end: start + length }))
  const next = start + Math.ceil(length / RECORD_ALIGNMENT) * RECORD_ALIGNMENT
  return { record: { kind: kind.name, ...values }, next }
}

/**
 * The length includes the padding: the document has the reader round it up, the original in C takes it as it is, and so
 * both find the next record. The sink stands at a multiple of 8.
 */
export const writeRecord = (sink: StreamSink, kind: RecordKind, record: AnyRecord): void => {
  sink.u32(kind.type)
  const lengthAt = sink.length
  sink.u32(0)
  const start = sink.length
  kind.write(sink, record)
  sink.align(RECORD_ALIGNMENT)
  sink.patch(lengthAt, sink.length - start)
}

export const writeEnd = (sink: StreamSink): void => {
  sink.u32(END)
  sink.u32(0)
}
