import type { Suite, SuiteOptions } from '@split-driver/conformance'
import type { Lab } from '../../scenario.js'
import { until } from '../patience.js'
import { ProcessHoldings } from '../process-holdings.js'

/** Seconds in which the kernel has closed what a case opened. */
const LEAK_PATIENCE_S = 10

export interface SuiteRun extends Omit<SuiteOptions, 'test' | 'notRun'> {
  readonly suites: readonly Suite[]
  /** Which cases, by their names; all unless given. */
  readonly only?: (name: string) => boolean
  /** Runs around each case; as it is unless given. */
  readonly around?: (run: () => Promise<void>) => Promise<void>
}

/** What came of the cases of some suites. */
export interface SuiteResult {
  /** Names. */
  readonly run: readonly string[]
  /** Reasons by names. */
  readonly notRun: ReadonlyMap<string, string>
  /** Names with reasons. */
  readonly failed: readonly string[]
}

/** Runs every case as a check of its own. One that fails does not stop the others. */
export const runSuites = async (lab: Lab, run: SuiteRun): Promise<SuiteResult> => {
  const { suites, only = () => true, around = (body) => body(), ...options } = run
  const cases = new Map<string, () => Promise<void>>()
  const notRun = new Map<string, string>()
  for (const suite of suites)
    suite({
      ...options,
      test: (name, body) => void cases.set(name, body),
      notRun: (name, reason) => void notRun.set(name, reason),
    })
  const names = [...cases.keys()].filter(only)
  const failed: string[] = []
  for (const name of names)
    await lab
      .check(name, () => around(cases.get(name)!))
      .catch((error) => failed.push(`${name}: ${(error as Error).message}`))
  return { run: names, notRun, failed }
}

/**
 * Looks before and after what this process has of /dev/xen, and which event channels dom0 has.
 * @throws Error that names what was left
 */
export const leavingNothing = async (run: () => Promise<void>): Promise<void> => {
  const before = await ProcessHoldings.of(process.pid)
  await run()
  let left: readonly string[] = []
  const clean = async () => {
    left = (await ProcessHoldings.of(process.pid)).beyond(before).filter((line) => /xen|event channel/.test(line))
    return left.length === 0
  }
  try {
    await until(LEAK_PATIENCE_S, 'everything to be given back', clean)
  } catch (cause) {
    throw new Error(`still there afterwards: ${left.join('; ')}`, { cause })
  }
}
