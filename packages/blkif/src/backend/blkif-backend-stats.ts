import { BlkifOp, BlkifStatus } from '../wire/operations.js'

/** What a backend has done since its device was created: plain numbers that only grow. */
export interface BlkifBackendStats {
  reads: number
  writes: number
  flushes: number
  barriers: number
  discards: number
  /** Of the reads and writes: those whose segments were in pages of their own. */
  indirect: number
  /** Requests of any other operation. */
  others: number
  bytesRead: number
  bytesWritten: number
  bytesDiscarded: number
  /** Responses with status −1. */
  errors: number
  /** Responses with status −2. */
  notSupported: number
  /** Pages of the guest that were mapped to serve its requests. */
  grantsMapped: number
  /** Pages that were still mapped when a request named them. */
  grantsReused: number
  notificationsSent: number
  /** Publications of responses for which the frontend had not asked to be woken. */
  notificationsSaved: number
}

export const emptyBackendStats = (): BlkifBackendStats => ({
  reads: 0,
  writes: 0,
  flushes: 0,
  barriers: 0,
  discards: 0,
  indirect: 0,
  others: 0,
  bytesRead: 0,
  bytesWritten: 0,
  bytesDiscarded: 0,
  errors: 0,
  notSupported: 0,
  grantsMapped: 0,
  grantsReused: 0,
  notificationsSent: 0,
  notificationsSaved: 0,
})

const REQUEST_COUNTS = new Map<number, 'reads' | 'writes' | 'flushes' | 'barriers' | 'discards'>([
  [BlkifOp.Read, 'reads'],
  [BlkifOp.Write, 'writes'],
  [BlkifOp.FlushDiskcache, 'flushes'],
  [BlkifOp.WriteBarrier, 'barriers'],
  [BlkifOp.Discard, 'discards'],
])

export const countRequest = (
  stats: BlkifBackendStats,
  { operation, isIndirect }: { readonly operation: number; readonly isIndirect: boolean },
): void => {
  stats[REQUEST_COUNTS.get(operation) ?? 'others']++
  if (isIndirect) stats.indirect++
}

/** @param answered what it was, and how many bytes it named */
export const countResponse = (
  stats: BlkifBackendStats,
  answered: { readonly operation: number; readonly byteLength: number },
  status: BlkifStatus,
): void => {
  if (status === BlkifStatus.Error) stats.errors++
  else if (status === BlkifStatus.NotSupported) stats.notSupported++
  else if (answered.operation === BlkifOp.Read) stats.bytesRead += answered.byteLength
  else if (answered.operation === BlkifOp.Discard) stats.bytesDiscarded += answered.byteLength
  else stats.bytesWritten += answered.byteLength
}
