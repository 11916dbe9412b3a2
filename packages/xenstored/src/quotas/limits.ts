/** What every client may take of the server, privileged or not, beside its domain's quotas. */
export interface XenstoreLimits {
  /** Replies that a privileged client has not taken; it is not read from until it has taken some. */
  readonly outstandingReplies: number
  /** Watch events that a client has not taken, in bytes; beyond this a watch's events become one. */
  readonly undeliveredEventBytes: number
  /**
   * How far the tree may move on, in bytes written, under an open transaction, which keeps what it began with alive.
   * One that is left behind further than this ends in EAGAIN.
   */
  readonly transactionDriftBytes: number
}

export const DEFAULT_LIMITS: XenstoreLimits = {
  outstandingReplies: 20,
  undeliveredEventBytes: 256 * 1024,
  transactionDriftBytes: 32 * 1024 * 1024,
}
