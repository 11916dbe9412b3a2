import { concatBytes, toBytes } from '@split-driver/xenbus'
import { readRecord, writeEnd, writeRecord } from '../stream/framing.js'
import { type ReadStream, readStream } from '../stream/read-stream.js'
import type { StateRecord } from '../stream/records.js'
import { streamError } from '../stream/stream-error.js'
import { StreamSink } from '../stream/stream-sink.js'
import { writeStream } from '../stream/write-stream.js'
import { SUPPLEMENT_KINDS, type SupplementRecord } from './supplement-records.js'

/**
 * A server's state: a stream of the documented format, and what that cannot say. The latter stands behind the stream's END,
 * where whoever goes by the document does not look; a stream of another's making has none.
 */
export interface SavedState {
  readonly stream: ReadStream
  readonly supplement: readonly SupplementRecord[]
}

const IDENT = 'sdxssupp'
const VERSION = 1
const HEADER_BYTES = 16

export const writeSavedState = (
  records: Iterable<StateRecord>,
  supplement: Iterable<SupplementRecord>,
  version: number,
): Uint8Array => {
  const sink = new StreamSink(VERSION, true)
  sink.bytes(toBytes(IDENT))
  sink.u32(VERSION)
  sink.u32(0)
  const kinds = new Map(SUPPLEMENT_KINDS.map((kind) => [kind.name as string, kind]))
  for (const record of supplement) writeRecord(sink, kinds.get(record.kind)!, record)
  writeEnd(sink)
  return concatBytes(writeStream(records, { version }), sink.written())
}

/** @throws XenError EPROTO, with a `StreamPlace` as its detail */
export const readSavedState = (bytes: Uint8Array): SavedState => {
  const stream = readStream(bytes)
  const supplement: SupplementRecord[] = []
  if (stream.bytes === bytes.length) return { stream, supplement }
  const place = { bytes, littleEndian: true, version: VERSION }
  for (let start = afterHeader(bytes, stream.bytes); ; ) {
    const { record, next } = readRecord(SUPPLEMENT_KINDS, { ...place, start, record: supplement.length + 1 })
    if (record === undefined) return { stream, supplement }
    supplement.push(record as SupplementRecord)
    start = next
  }
}

const afterHeader = (bytes: Uint8Array, offset: number): number => {
  const place = { record: 0, offset, field: 'supplement' }
  if (bytes.length < offset + HEADER_BYTES) throw streamError(place, 'is cut off')
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset)
  if (String.fromCharCode(...bytes.subarray(offset, offset + IDENT.length)) !== IDENT)
    throw streamError(place, `is not "${IDENT}"`)
  if (view.getUint32(IDENT.length, true) !== VERSION) throw streamError(place, 'is of another version')
  return offset + HEADER_BYTES
}
