import type { Suite, SuiteOptions } from '@split-driver/conformance'
import type { Lab } from '../../scenario.js'
import { until } from '../patience.js'
import { ProcessHoldings } from '../process-holdings.js'

/** Seconds in which the kernel has closed what a case opened. */
const LEAK_PATIENCE_S = 10

interface Case {
  readonly name: string
  readonly run: () => Promise<void>
}

/** What came of the cases of some suites. */
export interface SuiteResult {
  readonly run: number
  readonly notRun: number
  /** Name and reason. */
  readonly failed: readonly string[]
}

const casesOf = (
  lab: Lab,
  suites: readonly Suite[],
  options: Omit<SuiteOptions, 'test' | 'notRun'>,
): { cases: Case[]; notRun: number } => {
  const cases: Case[] = []
  let notRun = 0
  for (const suite of suites)
    suite({
      ...options,
      test: (name, run) => void cases.push({ name, run }),
      notRun: (name, reason) => {
        notRun++
        lab.notRun(name, reason)
      },
    })
  return { cases, notRun }
}

/** What this process has of /dev/xen, and dom0's event channels, beyond what there was. */
const assertNothingLeft = async (before: ProcessHoldings): Promise<void> => {
  let left: readonly string[] = []
  const clean = async () => {
    left = (await ProcessHoldings.of(process.pid)).beyond(before).filter((line) => /xen|event channel/.test(line))
    return left.length === 0
  }
  try {
    await until(LEAK_PATIENCE_S, 'everything to be given back', clean)
  } catch (cause) {
    throw new Error(`left after the case: ${left.join('; ')}`, { cause })
  }
}

/** Runs every case as a check of its own, and looks after each what is left. A case that fails does not stop the others. */
export const runSuites = async (
  lab: Lab,
  suites: readonly Suite[],
  options: Omit<SuiteOptions, 'test' | 'notRun'>,
): Promise<SuiteResult> => {
  const { cases, notRun } = casesOf(lab, suites, options)
  const failed: string[] = []
  for (const { name, run } of cases) {
    const before = await ProcessHoldings.of(process.pid)
    const check = async (): Promise<void> => {
      await run()
      await assertNothingLeft(before)
    }
    await lab.check(name, check).catch((error) => failed.push(`${name}: ${(error as Error).message}`))
  }
  return { run: cases.length, notRun, failed }
}
