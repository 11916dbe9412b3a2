import { SingleBar } from 'cli-progress'
import type { RelOutcome, RelSuite } from './rel/rel-suite.js'

/** Which suite, as its user calls it, how often and from which seed; `json` says what standard output is for. */
export interface Trial {
  readonly name: string
  readonly n: number
  readonly seed: number
  readonly json: boolean
}

const violationsShown = 20

/** Runs a suite and reports; resolves to the exit code: 0 only if everything held and n was reached. */
export async function tryAll(suite: RelSuite, { name, n, seed, json }: Trial): Promise<number> {
  const start = performance.now()
  const outcome = await withBar(name, n, (progress) => suite.run({ n, seed, progress }))
  const seconds = Number(((performance.now() - start) / 1000).toFixed(3))
  const { done, violations, detail } = outcome
  if (json) {
    const report = { suite: name, seed, n, done, violations, seconds, ...(detail === undefined ? {} : { detail }) }
    process.stdout.write(`${JSON.stringify(report)}\n`)
  } else {
    for (const line of violations.slice(0, violationsShown)) process.stdout.write(`violation: ${line}\n`)
  }
  const closing = `rel ${name}: ${done} of ${n} done, ${violations.length} violations, seed ${seed}, ${seconds} s\n`
  // With --json, standard output is for JSON alone.
  ;(json ? process.stderr : process.stdout).write(closing)
  return violations.length === 0 && done >= n ? 0 : 1
}

/** The bar goes to stderr and only on a terminal. */
async function withBar(name: string, n: number, run: (progress: (done: number) => void) => Promise<RelOutcome>) {
  const format = `${name} {bar} {value}/{total} {eta_formatted}`
  const bar = new SingleBar({ format, stream: process.stderr, noTTYOutput: false, clearOnComplete: true })
  bar.start(n, 0)
  try {
    return await run((done) => bar.update(done))
  } finally {
    bar.stop()
  }
}
