/** Whose XenStore daemon dom0 boots with: Xen's own, or `split-driver xenstored`. */
export type StoreDaemon = 'xenstored' | 'split-driver'

/**
 * One thing that is shown on real Xen. A scenario is a file of its own in `lab/scenarios/` that exports `scenario`; it
 * runs in dom0, in a process of its own, and checks from both sides: what the guest sees, and what our end holds.
 */
export interface Scenario {
  /** The file's name without its ending. */
  readonly name: string
  /** What is checked, in one line of the table. */
  readonly summary: string
  /** Seconds under pure emulation on two cores after which it has failed. */
  readonly limitSeconds: number
  /** Of the dom0 that it needs; `xenstored` unless given. */
  readonly storeDaemon?: StoreDaemon
  /** What it leaves is not looked at, and nothing runs in this dom0 after it; false unless given. */
  readonly ruinsDom0?: boolean
  run(lab: Lab): Promise<void>
}

/** What a scenario tells the world outside while it runs. */
export interface Lab {
  /**
   * One named check, shown as it runs and counted when it ends. What it throws is its failure: the scenario ends there.
   * @returns what `body` returns
   */
  check<T>(what: string, body: () => Promise<T> | T): Promise<T>
  /** A figure for the report, such as `('read', 63.1, 'MiB/s')`. */
  figure(name: string, value: number, unit: string): void
  /** A check that this world cannot run; it is reported as not run, never as passed. */
  notRun(what: string, reason: string): void
  /** A line for whoever looks on. */
  say(line: string): void
  /** Undone when the scenario ends, however it ends, last first. */
  atEnd(undo: () => Promise<void> | void): void
  /** A fresh folder of the scenario's own, in dom0's memory; kept until dom0 ends. */
  readonly folder: string
}
