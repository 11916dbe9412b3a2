import { toBytes } from '@split-driver/xenbus'
import { writeEnd, writeRecord } from './framing.js'
import { BIG_ENDIAN, HEADER_BYTES, IDENT } from './read-stream.js'
import { LATEST_VERSION, RECORDS, type StateRecord } from './records.js'
import { StreamSink } from './stream-sink.js'

export interface WriteStreamOptions {
  /** 1 is what Xen 4.17 reads. */
  readonly version?: number
  /** The originals read their own machine's order only, and there is no other than little-endian any more. */
  readonly littleEndian?: boolean
}

/**
 * A stream of these records.
 * @throws RangeError if a record does not exist in this version
 */
export const writeStream = (records: Iterable<StateRecord>, options: WriteStreamOptions = {}): Uint8Array => {
  const { version = LATEST_VERSION, littleEndian = true } = options
  const sink = new StreamSink(version, littleEndian)
  sink.bytes(header(version, littleEndian))
  for (const record of records) {
    const kind = KINDS.get(record.kind)!
    if (kind.since > version) throw new RangeError(`version ${version} of the stream has no ${kind.name}`)
    writeRecord(sink, kind, record)
  }
  writeEnd(sink)
  return sink.written().slice()
}

const KINDS = new Map(RECORDS.map((kind) => [kind.name, kind]))

const header = (version: number, littleEndian: boolean): Uint8Array => {
  const bytes = new Uint8Array(HEADER_BYTES)
  bytes.set(toBytes(IDENT))
  const view = new DataView(bytes.buffer)
  view.setUint32(IDENT.length, version)
  view.setUint32(IDENT.length + 4, littleEndian ? 0 : BIG_ENDIAN)
  return bytes
}
