import { BlkifOp } from '../wire/operations.js'

/** What a frontend has done since its device was opened: plain numbers that only grow. */
export interface BlkifFrontendStats {
  /** Requests put on the ring; a caller's one read may take several. */
  reads: number
  writes: number
  /** Flushes and barriers. */
  flushes: number
  discards: number
  /** Of reads and writes, those with more segments than a slot holds. */
  indirect: number
  /** Of requests that were answered with okay. */
  bytesRead: number
  bytesWritten: number
  bytesDiscarded: number
  /** Responses with a status other than okay. */
  errors: number
  notificationsSent: number
  /** Publications of requests for which the backend had not asked to be woken. */
  notificationsSaved: number
}

export const emptyFrontendStats = (): BlkifFrontendStats => ({
  reads: 0,
  writes: 0,
  flushes: 0,
  discards: 0,
  indirect: 0,
  bytesRead: 0,
  bytesWritten: 0,
  bytesDiscarded: 0,
  errors: 0,
  notificationsSent: 0,
  notificationsSaved: 0,
})

export const countSubmitted = (stats: BlkifFrontendStats, operation: number, isIndirect: boolean): void => {
  if (isIndirect) stats.indirect++
  if (operation === BlkifOp.Read) stats.reads++
  else if (operation === BlkifOp.Write) stats.writes++
  else if (operation === BlkifOp.Discard) stats.discards++
  else stats.flushes++
}

export const countCompleted = (stats: BlkifFrontendStats, operation: number, bytes: number): void => {
  if (operation === BlkifOp.Read) stats.bytesRead += bytes
  else if (operation === BlkifOp.Discard) stats.bytesDiscarded += bytes
  else stats.bytesWritten += bytes
}
