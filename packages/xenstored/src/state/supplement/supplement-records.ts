import type { Domid } from '@split-driver/abi'
import { bytes, i32, type Part, u16, u32, type Value } from '../stream/parts.js'
import { permissionList } from '../stream/permission-list.js'
import { quotaValues } from '../stream/quota-values.js'
import { type RecordOf, recordKind } from '../stream/record.js'
import { fileNameItem, type Item, list, one, safeIntegerItem, textItem } from './supplement-parts.js'

/** Stands for the tree that everybody sees, in place of a number. */
export const LIVE_TREE = 0xffff_ffff

const generation = one('generation', safeIntegerItem)
const listingGeneration = one('listingGeneration', safeIntegerItem)
const domid: Part<Value<'domid', Domid>> = u16('domid') as never
const value = bytes('value', 'u16')
const quotas = quotaValues('quotas')

const generations: Item<{ readonly generation: number; readonly listingGeneration: number }> = {
  read: (source) => ({ generation: safeIntegerItem.read(source), listingGeneration: safeIntegerItem.read(source) }),
  write: (sink, pair) => {
    safeIntegerItem.write(sink, pair.generation)
    safeIntegerItem.write(sink, pair.listingGeneration)
  },
}

/** A child's name and its node's number. */
const child: Item<{ readonly name: string; readonly node: number }> = {
  read: (source) => ({ name: textItem.read(source), node: source.u32() }),
  write: (sink, { name, node }) => {
    textItem.write(sink, name)
    sink.u32(node)
  },
}

/** A path, and whether it was removed, or an event for it is exact. */
const flaggedPath: Item<{ readonly path: string; readonly flag: boolean }> = {
  read: (source) => ({ path: textItem.read(source), flag: source.u8() !== 0 }),
  write: (sink, { path, flag }) => {
    textItem.write(sink, path)
    sink.u8(flag ? 1 : 0)
  },
}

/** By how many nodes more a domain owns in a transaction. */
const nodeCount: Item<{ readonly domid: Domid; readonly stale: boolean; readonly count: number }> = {
  read: (source) => ({ domid: source.u16() as Domid, stale: source.u16() !== 0, count: source.i32() }),
  write: (sink, { domid: owner, stale, count }) => {
    sink.u16(owner)
    sink.u16(stale ? 1 : 0)
    sink.i32(count)
  },
}

/** What is the whole server's: the generations of its nodes in the order of NODE_DATA, and the last that was given out. */
const STORE = recordKind(1, 'STORE', 1, [generation, list('generations', generations)])

/** A domain with features or quotas of its own, of whichever kind. */
const DOMAIN = recordKind(2, 'DOMAIN', 1, [domid, ...quotas.counts, u32('features'), quotas.content])

/** What CONNECTION_DATA has no room for. `remotePort` is 0 of a connection that is no ring. */
const CONNECTION = recordKind(3, 'CONNECTION', 1, [
  u32('connId'),
  domid,
  u16('privileged'),
  u32('remotePort'),
  u16('shutDown'),
  u16('reserved'),
  u32('lastTxId'),
])

/** A node that only transactions see. Its number follows that of the one before; those of NODE_DATA come first. */
const NODE = recordKind(4, 'NODE', 1, [
  value.length,
  permissionList.length,
  permissionList.content,
  value.content,
  generation,
  listingGeneration,
  list('children', child),
])

/** A transaction that is open, with all that its end depends on. */
const TRANSACTION = recordKind(5, 'TRANSACTION', 1, [
  u32('connId'),
  u32('txId'),
  u32('base'),
  u32('tree'),
  u16('leftBehind'),
  u16('reserved'),
  u32('heldBytes'),
  one('driftBytes', safeIntegerItem),
  one('cost', safeIntegerItem),
  list('nodes', textItem),
  list('listings', textItem),
  list('subtrees', textItem),
  list('touched', flaggedPath),
  list('events', flaggedPath),
  list('nodeCounts', nodeCount),
])

/** A socket that accepts connections; GLOBAL_DATA has room for one, and not for its path. */
const LISTENER = recordKind(6, 'LISTENER', 1, [i32('fd'), one('path', fileNameItem)])

const KINDS = [STORE, DOMAIN, CONNECTION, NODE, TRANSACTION, LISTENER] as const

/** What a stream of the documented format cannot say, and we want to know of ourselves. */
export type SupplementRecord = RecordOf<(typeof KINDS)[number]>

export const SUPPLEMENT_KINDS: readonly (typeof KINDS)[number][] = KINDS
