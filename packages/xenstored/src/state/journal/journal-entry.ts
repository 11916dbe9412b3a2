import { readRecord, writeRecord } from '../stream/framing.js'
import { bytes, type Part, terminatedText, u16, u32, type Value } from '../stream/parts.js'
import { permissionList } from '../stream/permission-list.js'
import { quotaValues } from '../stream/quota-values.js'
import { type RecordOf, recordKind } from '../stream/record.js'
import { StreamSink } from '../stream/stream-sink.js'

const path = terminatedText('path')
const value = bytes('value', 'u16')
const quotas = quotaValues('quotas')
const domid: Part<Value<'domid', number>> = u16('domid')

/** The node and all below it is gone; it need not have been there. */
const REMOVE = recordKind(1, 'REMOVE', 1, [path.length, path.content])

/** The node has this value and these permissions; its parent is there, and its children stay. */
const SET = recordKind(2, 'SET', 1, [
  path.length,
  value.length,
  permissionList.length,
  permissionList.content,
  path.content,
  value.content,
])

/** What names the domain in permissions up to here names nobody any more. */
const DIED = recordKind(3, 'DIED', 1, [domid])

/** Quotas of domains that are to come, and of all that there are if `all` is 1. */
const DEFAULT_QUOTAS = recordKind(4, 'DEFAULT_QUOTAS', 1, [...quotas.counts, u16('all'), quotas.content])

/** A domain's own quotas and features. */
const DOMAIN = recordKind(5, 'DOMAIN', 1, [domid, ...quotas.counts, u32('features'), quotas.content])

const KINDS = [REMOVE, SET, DIED, DEFAULT_QUOTAS, DOMAIN] as const
const BY_NAME = new Map<string, (typeof KINDS)[number]>(KINDS.map((kind) => [kind.name, kind]))

/** One thing that happened to a server and outlives it. */
export type JournalEntry = RecordOf<(typeof KINDS)[number]>

/** What happened at once: all of it is found again, or nothing. */
export interface JournalBatch {
  readonly entries: readonly JournalEntry[]
  /** The last generation that was given out. */
  readonly generation: number
}

const VERSION = 1

export const encodeBatch = ({ entries, generation }: JournalBatch): Uint8Array => {
  const sink = new StreamSink(VERSION, true)
  sink.u64(BigInt(generation))
  for (const entry of entries) writeRecord(sink, BY_NAME.get(entry.kind)!, entry)
  return sink.written()
}

/** @throws XenError EPROTO if it is none, whose checksum was right nevertheless */
export const decodeBatch = (payload: Uint8Array): JournalBatch => {
  const entries: JournalEntry[] = []
  const generation = Number(new DataView(payload.buffer, payload.byteOffset).getBigUint64(0, true))
  for (let start = 8; start < payload.length; ) {
    const place = { bytes: payload, start, record: entries.length + 1, littleEndian: true, version: VERSION }
    const { record, next } = readRecord(KINDS, place)
    entries.push(record as JournalEntry)
    start = next
  }
  return { entries, generation }
}
