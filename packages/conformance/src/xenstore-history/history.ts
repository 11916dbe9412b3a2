/** One request of a history, and its reply. */
export interface HistoryStep {
  readonly kind: 'read' | 'write' | 'rm' | 'directory'
  readonly path: string
  /** Of a write. */
  readonly value: string
  /** A value, names joined by `|`, `OK`, or `!` and an error's name. */
  readonly reply: string
}

/**
 * What must have happened at one moment: a request outside of transactions, or a whole transaction. Times are numbers of
 * one clock that goes on with each request and each reply of any client.
 */
export interface HistoryUnit {
  readonly client: number
  readonly steps: readonly HistoryStep[]
  /** Whether it changed anything: a transaction that was answered EAGAIN, or was given up, did nothing. */
  readonly effective: boolean
  /** When its first request was sent. */
  readonly called: number
  /** When its last request was sent. */
  readonly finished: number
  /** When its last reply came. */
  readonly returned: number
}

/** Must `a` have happened before `b`? One client's requests take effect in the order in which it sends them. */
export const precedes = (a: HistoryUnit, b: HistoryUnit): boolean =>
  a.returned < b.called || (a.client === b.client && a.finished < b.called)

export const shownUnit = ({ client, steps, effective, called, returned }: HistoryUnit): string => {
  const shown = steps.map(({ kind, path, value, reply }) => `${kind} ${path}${value && ` ${value}`} → ${reply}`)
  return `${client} [${called}–${returned}]${effective ? '' : ' without effect'}: ${shown.join(', ')}`
}
