import fc from 'fast-check'
import type { Mutant } from './mutant.js'
import { type Outcome, runScenario } from './run-scenario.js'
import { type Scenario, scenarios } from './scenario.js'

/** How many smaller scenarios are tried once one has failed. */
const SHRINKING_RUNS = 150

/** What one seed came to. */
export interface Verdict {
  /** What the seed stands for. */
  readonly scenario: Scenario
  readonly outcome: Outcome
  /** The smallest scenario found that breaks the same promise; only if the first one breaks one. */
  readonly smallest?: { readonly scenario: Scenario; readonly outcome: Outcome }
}

/** Tries what a seed stands for, once; and if that breaks a promise, ever smaller scenarios that break the same one. */
export const trySeed = async (seed: number, mutant: Mutant, twice: boolean): Promise<Verdict> => {
  let first: { scenario: Scenario; outcome: Outcome } | undefined
  let smallest = first
  let runs = 0
  const holds = async (scenario: Scenario): Promise<boolean> => {
    if (runs++ > SHRINKING_RUNS) return true
    const outcome = await runJudged(scenario, mutant, twice)
    first ??= { scenario, outcome }
    const [broken] = first.outcome.violations
    const isBroken = outcome.violations.some(({ kind }) => kind === broken?.kind)
    if (isBroken) smallest = { scenario, outcome }
    return !isBroken
  }
  await fc.check(fc.asyncProperty(scenarios, holds), { seed, numRuns: 1 })
  return smallest === undefined ? first! : { ...first!, smallest }
}

/** @param twice also demands that a second run takes the same course */
export const runJudged = async (scenario: Scenario, mutant: Mutant, twice: boolean): Promise<Outcome> => {
  const outcome = await runScenario(scenario, mutant)
  if (!twice) return outcome
  const again = await runScenario(scenario, mutant)
  if (again.traceHash === outcome.traceHash) return outcome
  const what = `trace ${outcome.traceHash} the first time, ${again.traceHash} the second`
  return { ...outcome, violations: [...outcome.violations, { kind: 'replay', what }] }
}
