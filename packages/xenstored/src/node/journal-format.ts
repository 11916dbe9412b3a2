import { XenError } from '@split-driver/abi'
import { decodeBatch, type JournalBatch } from '../state/journal/journal-entry.js'
import { crc32c } from './crc32c.js'

/**
 * A journal begins with a name, a version, and the last generation that was given out before it. Since version 2 the boot
 * follows in which it was begun, as the kernel names it.
 */
const FIRST_HEADER_BYTES = 24
const BOOT_BYTES = 40
export const HEADER_BYTES = FIRST_HEADER_BYTES + BOOT_BYTES
const IDENT = 'sdxsjrnl'
const VERSION = 2

/** Before each batch: its length and its checksum. A length of 0 is the end: the file is made longer with zeros. */
const FRAME_BYTES = 8

export const encodeHeader = (generation: number, boot: string): Uint8Array => {
  const header = Buffer.alloc(HEADER_BYTES)
  header.write(IDENT, 0, 'latin1')
  header.writeUInt32LE(VERSION, 8)
  header.writeBigUInt64LE(BigInt(generation), 16)
  header.write(boot, FIRST_HEADER_BYTES, BOOT_BYTES, 'latin1')
  return header
}

export interface JournalHeader {
  readonly bytes: number
  readonly generation: number
  /** Empty if it is not known. */
  readonly boot: string
}

/** @throws XenError EPROTO for somebody else's file, EOPNOTSUPP for a later version of ours */
export const decodeHeader = (file: Buffer, path: string): JournalHeader => {
  if (file.length < FIRST_HEADER_BYTES || file.toString('latin1', 0, 8) !== IDENT)
    throw new XenError('EPROTO', `${path} is no journal of a XenStore: choose another folder`, { detail: { path } })
  const version = file.readUInt32LE(8)
  if (version === 0 || version > VERSION)
    throw new XenError('EOPNOTSUPP', `${path} is a journal of version ${version}, known are 1 to ${VERSION}`, {
      detail: { path, version },
    })
  const bytes = version === 1 ? FIRST_HEADER_BYTES : HEADER_BYTES
  const boot = file.toString('latin1', FIRST_HEADER_BYTES, bytes).replace(/\0+$/, '')
  return { bytes, generation: Number(file.readBigUInt64LE(16)), boot }
}

export const frame = (payload: Uint8Array): Uint8Array => {
  const framed = Buffer.allocUnsafe(FRAME_BYTES + payload.length)
  framed.writeUInt32LE(payload.length, 0)
  framed.writeUInt32LE(crc32c(payload), 4)
  framed.set(payload, FRAME_BYTES)
  return framed
}

export interface ReadJournal {
  readonly generation: number
  readonly boot: string
  readonly batches: readonly JournalBatch[]
  /** Bytes of a batch that was not written to its end. */
  readonly tornBytes: number
}

/**
 * All batches up to the first that is not whole, which is where the writer was killed.
 * @throws XenError EPROTO if that is not the last one: then the file was damaged otherwise, and acknowledged changes are gone
 */
export const readJournal = (file: Buffer, path: string): ReadJournal => {
  const batches: JournalBatch[] = []
  const header = decodeHeader(file, path)
  const { boot } = header
  let { generation, bytes: at } = header
  for (let payload = payloadAt(file, at); payload !== undefined; payload = payloadAt(file, at)) {
    const batch = decodeBatch(payload)
    batches.push(batch)
    generation = batch.generation
    at += FRAME_BYTES + payload.length
  }
  const tornBytes = lastByte(file) - at
  if (tornBytes <= 0) return { generation, boot, batches, tornBytes: 0 }
  if (isFollowed(file, at))
    throw new XenError('EPROTO', `${path} is damaged at byte ${at}, and was written beyond`, { detail: { path, at } })
  return { generation, boot, batches, tornBytes }
}

/** The batch at `at` if it is whole. */
const payloadAt = (file: Buffer, at: number): Uint8Array | undefined => {
  if (at + FRAME_BYTES > file.length) return undefined
  const length = file.readUInt32LE(at)
  const start = at + FRAME_BYTES
  if (length === 0 || length > file.length - start) return undefined
  const payload = file.subarray(start, start + length)
  return crc32c(payload) === file.readUInt32LE(at + 4) ? payload : undefined
}

/** Does a whole batch come after the one that is not? */
const isFollowed = (file: Buffer, at: number): boolean => {
  const length = at + FRAME_BYTES > file.length ? 0 : file.readUInt32LE(at)
  return length > 0 && payloadAt(file, at + FRAME_BYTES + length) !== undefined
}

/** Where the zeros at the end begin. */
const lastByte = (file: Buffer): number => {
  let end = file.length
  while (end > 0 && file[end - 1] === 0) end--
  return end
}
