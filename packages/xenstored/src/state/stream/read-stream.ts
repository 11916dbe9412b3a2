import { readRecord } from './framing.js'
import { LATEST_VERSION, RECORDS, type StateRecord } from './records.js'
import { streamError } from './stream-error.js'
import { StreamSource } from './stream-source.js'

/** "xenstore", a version and flags, in big-endian order whatever the records' is. */
export const HEADER_BYTES = 16
export const IDENT = 'xenstore'
export const BIG_ENDIAN = 0x0000_0001

export interface ReadStream {
  readonly version: number
  readonly littleEndian: boolean
  readonly records: readonly StateRecord[]
  /** Bytes of the stream, its END included. What follows is no part of it. */
  readonly bytes: number
}

/**
 * Takes a stream apart. Everything that is not as the document has it is refused: unknown types, versions and flags,
 * lengths that lead beyond the record or the stream, a stream without an END.
 * @throws XenError EPROTO, with a `StreamPlace` as its detail
 * @see docs/designs/xenstore-migration.md
 */
export const readStream = (bytes: Uint8Array): ReadStream => {
  const { version, littleEndian } = readHeader(bytes)
  const kinds = RECORDS.filter(({ since }) => since <= version)
  const records: StateRecord[] = []
  for (let at = HEADER_BYTES; ; ) {
    const { record, next } = readRecord(kinds, { bytes, start: at, record: records.length + 1, littleEndian, version })
    if (record === undefined) return { version, littleEndian, records, bytes: next }
    records.push(record as StateRecord)
    at = next
  }
}

const readHeader = (bytes: Uint8Array): { version: number; littleEndian: boolean } => {
  const options = { start: 0, end: Math.min(bytes.length, HEADER_BYTES), record: 0, littleEndian: false, version: 0 }
  const source = new StreamSource({ bytes, ...options })
  source.begin('ident')
  const ident = source.bytes(IDENT.length)
  if (String.fromCharCode(...ident) !== IDENT) throw source.error(`is not "${IDENT}"`)
  source.begin('version')
  const version = source.u32()
  if (version === 0 || version > LATEST_VERSION)
    throw source.error(`is ${version}, which is not 1 to ${LATEST_VERSION}`)
  source.begin('flags')
  const flags = source.u32()
  if (flags > BIG_ENDIAN) throw streamError({ record: 0, offset: 12, field: 'flags' }, `${flags} are unknown`)
  return { version, littleEndian: flags === 0 }
}
