import { constants } from 'node:os'

/** An interrupted run ends through `exit`, where what it started is ended. The code is the one that a shell would say. */
export function endOnSignals() {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]))
  }
}
