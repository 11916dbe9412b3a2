import { BlkifOp } from '../wire/operations.js'

/** What a frontend has done since its device was opened: plain numbers that only grow. */
export interface BlkifFrontendStats {
  /** Requests put on the ring; a caller's one read may take several. */
  reads: number
  writes: number
  /** Flushes and barriers. */
  flushes: number
  /** Of requests that were answered with okay. */
  bytesRead: number
  bytesWritten: number
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
  bytesRead: 0,
  bytesWritten: 0,
  errors: 0,
  notificationsSent: 0,
  notificationsSaved: 0,
})

export const countSubmitted = (stats: BlkifFrontendStats, operation: number): void => {
  if (operation === BlkifOp.Read) stats.reads++
  else if (operation === BlkifOp.Write) stats.writes++
  else stats.flushes++
}

export const countCompleted = (stats: BlkifFrontendStats, operation: number, bytes: number): void => {
  if (operation === BlkifOp.Read) stats.bytesRead += bytes
  else stats.bytesWritten += bytes
}
