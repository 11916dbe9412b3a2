import { connectionSpec, connectionType, pendingData, uniqueId } from './connection-spec.js'
import { bytes, i32, type Part, padding, terminatedBytes, terminatedText, u16, u32, type Value } from './parts.js'
import { permissionList } from './permission-list.js'
import { quotaValues } from './quota-values.js'
import { type RecordKind, type RecordOf, recordKind } from './record.js'

/** @see docs/designs/xenstore-migration.md */
export const LATEST_VERSION = 2

/** WATCH_DATA_EXTENDED's depth of a watch that has none. */
export const UNLIMITED_DEPTH = 0xffff

/** Bits of a pending node's `access`. */
export const NodeAccess = { Read: 0x0001, Written: 0x0002 } as const

/** A part that older streams have no use for: they carry zeros there. */
const since = <V extends object>(version: number, part: Part<V>): Part<V> => ({
  name: part.name,
  read: (source, draft) => {
    part.read(source, draft)
    if (source.version < version) draft.values[part.name] = 0
  },
  write: (sink, { values, lengths }) =>
    part.write(sink, { values: sink.version < version ? { [part.name]: 0 } : values, lengths }),
})

const watchPath = terminatedText('path')
const token = terminatedBytes('token')
const nodePath = terminatedText('path')
const value = bytes('value', 'u16')
const global = quotaValues('perDomain', 'global')
const domain = quotaValues('quotas')
const domid: Part<Value<'domid', number>> = u16('domid')

const GLOBAL_DATA = recordKind(1, 'GLOBAL_DATA', 1, [i32('socketFd'), i32('evtchnFd')])

const CONNECTION_DATA = recordKind(2, 'CONNECTION_DATA', 1, [
  u32('connId'),
  connectionType,
  connectionSpec,
  pendingData,
  uniqueId,
])

const WATCH_DATA = recordKind(3, 'WATCH_DATA', 1, [
  u32('connId'),
  watchPath.length,
  token.length,
  watchPath.content,
  token.content,
])

const TRANSACTION_DATA = recordKind(4, 'TRANSACTION_DATA', 1, [u32('connId'), u32('txId')])

const NODE_DATA = recordKind(5, 'NODE_DATA', 1, [
  u32('connId'),
  u32('txId'),
  nodePath.length,
  value.length,
  u16('access'),
  permissionList.length,
  permissionList.content,
  nodePath.content,
  value.content,
])

const GLOBAL_QUOTA_DATA = recordKind(6, 'GLOBAL_QUOTA_DATA', 1, [...global.counts, global.content])

const DOMAIN_DATA = recordKind(7, 'DOMAIN_DATA', 1, [
  domid,
  ...domain.counts,
  since(2, u32('features')),
  domain.content,
])

const WATCH_DATA_EXTENDED = recordKind(8, 'WATCH_DATA_EXTENDED', 2, [
  u32('connId'),
  watchPath.length,
  token.length,
  u16('depth'),
  padding(2),
  watchPath.content,
  token.content,
])

const KINDS = [
  GLOBAL_DATA,
  CONNECTION_DATA,
  WATCH_DATA,
  TRANSACTION_DATA,
  NODE_DATA,
  GLOBAL_QUOTA_DATA,
  DOMAIN_DATA,
  WATCH_DATA_EXTENDED,
] as const

/** Any record but END. */
export type StateRecord = RecordOf<(typeof KINDS)[number]>

export const RECORDS: readonly RecordKind[] = KINDS
