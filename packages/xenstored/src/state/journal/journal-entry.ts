import { concatBytes } from '@split-driver/xenbus'
import { readRecord, writeRecord } from '../stream/framing.js'
import { bytes, i32, type Part, terminatedText, u16, u32, type Value } from '../stream/parts.js'
import { permissionList } from '../stream/permission-list.js'
import { quotaValues } from '../stream/quota-values.js'
import { type RecordOf, recordKind } from '../stream/record.js'
import { StreamSink } from '../stream/stream-sink.js'
import { type Item, list, one, textItem } from '../supplement/supplement-parts.js'

const path = terminatedText('path')
const value = bytes('value', 'u16')
const quotas = quotaValues('quotas')
const domid: Part<Value<'domid', number>> = u16('domid')
const token = bytes('token', 'u16')
const input = bytes('input', 'u32')
const output = bytes('output', 'u32')
const transactionId: Item<number> = { read: (source) => source.u32(), write: (sink, id) => sink.u32(id) }

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

/**
 * The domain is served through its ring from now on, and has neither watches nor anything under way. Its life is told by
 * the uuid, which is empty where the machine tells none; its end is DIED.
 */
const INTRODUCED = recordKind(6, 'INTRODUCED', 2, [domid, u16('shutDown'), u32('remotePort'), one('uuid', textItem)])

/** A domain with a ring has asked for a watch, by this path. */
const WATCH = recordKind(7, 'WATCH', 2, [domid, u16('depth'), path.length, token.length, path.content, token.content])

const UNWATCH = recordKind(8, 'UNWATCH', 2, [domid, path.length, token.length, path.content, token.content])

/** The domain has neither watches nor transactions any more. */
const UNWATCH_ALL = recordKind(9, 'UNWATCH_ALL', 2, [domid])

/** The domain may act for another. */
const TARGET = recordKind(10, 'TARGET', 2, [domid, u16('target')])

/** Whoever watches for ends was told that the domain has shut down; or it runs again. */
const SHUTDOWN = recordKind(11, 'SHUTDOWN', 2, [domid, u16('shutDown')])

/** What is under way in a ring. */
const RING = recordKind(12, 'RING', 2, [
  domid,
  i32('received'),
  i32('sent'),
  u32('lastTxId'),
  list('transactions', transactionId),
  input.length,
  output.length,
  input.content,
  output.content,
])

const KINDS = [
  REMOVE,
  SET,
  DIED,
  DEFAULT_QUOTAS,
  DOMAIN,
  INTRODUCED,
  WATCH,
  UNWATCH,
  UNWATCH_ALL,
  TARGET,
  SHUTDOWN,
  RING,
] as const
const BY_NAME = new Map<string, (typeof KINDS)[number]>(KINDS.map((kind) => [kind.name, kind]))

/** One thing that happened to a server and outlives it. */
export type JournalEntry = RecordOf<(typeof KINDS)[number]>

/** What happened at once: all of it is found again, or nothing. */
export interface JournalBatch {
  readonly entries: readonly JournalEntry[]
  /** The last generation that was given out. */
  readonly generation: number
}

const VERSION = 2

/** Before the entries. */
const GENERATION_BYTES = 8

export const encodeBatch = ({ entries, generation }: JournalBatch): Uint8Array => {
  const sink = new StreamSink(VERSION, true)
  sink.u64(BigInt(generation))
  for (const entry of entries) writeRecord(sink, BY_NAME.get(entry.kind)!, entry)
  return sink.written()
}

/** What all of them say, at once. @param batches encoded, at least one */
export const joinBatches = (batches: readonly Uint8Array[]): Uint8Array => {
  const [generation, entries] = [batches.at(-1)!.subarray(0, GENERATION_BYTES), batches.map(entriesOf)]
  return concatBytes(generation, ...entries)
}

const entriesOf = (batch: Uint8Array): Uint8Array => batch.subarray(GENERATION_BYTES)

/** @throws XenError EPROTO if it is none, whose checksum was right nevertheless */
export const decodeBatch = (payload: Uint8Array): JournalBatch => {
  const entries: JournalEntry[] = []
  const generation = Number(new DataView(payload.buffer, payload.byteOffset).getBigUint64(0, true))
  for (let start = GENERATION_BYTES; start < payload.length; ) {
    const place = { bytes: payload, start, record: entries.length + 1, littleEndian: true, version: VERSION }
    const { record, next } = readRecord(KINDS, place)
    entries.push(record as JournalEntry)
    start = next
  }
  return { entries, generation }
}
