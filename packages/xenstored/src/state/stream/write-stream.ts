import { toBytes } from '@split-driver/xenbus'
import { BIG_ENDIAN, END, HEADER_BYTES, IDENT, RECORD_HEADER_BYTES } from './read-stream.js'
import { RECORD_ALIGNMENT } from './record.js'
import { LATEST_VERSION, RECORDS, type StateRecord } from './records.js'
import { StreamSink } from './stream-sink.js'

export interface WriteStreamOptions {
  /** 1 is what Xen 4.17 reads. */
  readonly version?: number
  /** The originals read their own machine's order only, and there is no other than little-endian any more. */
  readonly littleEndian?: boolean
}

/**
 * A stream of these records. A record's length includes its padding: the document has the reader round it up, the
 * original in C takes it as it is, and so both find the next record.
 * @throws RangeError if a record does not exist in this version
 */
export const writeStream = (records: Iterable<StateRecord>, options: WriteStreamOptions = {}): Uint8Array => {
  const { version = LATEST_VERSION, littleEndian = true } = options
  const sink = new StreamSink(version, littleEndian)
  sink.bytes(header(version, littleEndian))
  for (const record of records) writeRecord(sink, record)
  sink.u32(END)
  sink.u32(0)
  return sink.written().slice()
}

const writeRecord = (sink: StreamSink, record: StateRecord): void => {
  const kind = RECORDS.find(({ name }) => name === record.kind)!
  if (kind.since > sink.version) throw new RangeError(`version ${sink.version} of the stream has no ${kind.name}`)
  sink.u32(kind.type)
  sink.u32(0)
  const start = sink.length
  kind.write(sink, record)
  sink.align(RECORD_ALIGNMENT)
  sink.patch(start - RECORD_HEADER_BYTES / 2, sink.length - start)
}

const header = (version: number, littleEndian: boolean): Uint8Array => {
  const bytes = new Uint8Array(HEADER_BYTES)
  bytes.set(toBytes(IDENT))
  const view = new DataView(bytes.buffer)
  view.setUint32(IDENT.length, version)
  view.setUint32(IDENT.length + 4, littleEndian ? 0 : BIG_ENDIAN)
  return bytes
}
