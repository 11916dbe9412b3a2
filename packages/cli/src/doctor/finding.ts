/** One thing that was looked at. */
export interface Finding {
  readonly what: string
  /**
   * - `ok`: as it should be
   * - `missing`: a daemon cannot run without it
   * - `optional`: not there, and no daemon needs it
   * - `info`: says how it is, neither good nor bad
   */
  readonly status: 'ok' | 'missing' | 'optional' | 'info'
  readonly found: string
  /** What to do about it, where there is something to do. */
  readonly advice?: string
}

/** A daemon, and what keeps it from running. */
export interface DaemonVerdict {
  readonly daemon: 'blkback' | 'consoled'
  /** Nothing here: it could run. */
  readonly lacks: readonly string[]
}

/** What `split-driver doctor` has to say. */
export interface Diagnosis {
  readonly findings: readonly Finding[]
  readonly daemons: readonly DaemonVerdict[]
}
