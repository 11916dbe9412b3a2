import type { Outcome } from './run-scenario.js'
import type { Scenario } from './scenario.js'
import type { Verdict } from './search.js'

/** A seed that broke a promise, and how to see it again. */
export interface Failure {
  readonly seed: number
  readonly violations: readonly string[]
  /** One command that shows the smallest scenario which breaks the same promise. */
  readonly replay: string
}

/** One command that runs one scenario. */
export const replayCommand = (scenario: Scenario, mutant: string | undefined): string => {
  const broken = mutant === undefined ? '' : ` --mutant ${mutant}`
  return `npm run sim --${broken} --scenario '${JSON.stringify(scenario)}'`
}

export const violationLines = ({ violations }: Outcome): string[] => [
  ...new Set(violations.map(({ kind, what }) => `${kind}: ${what}`)),
]

/** What to tell of a seed, if it broke a promise. */
export const failureOf = (seed: number, verdict: Verdict, mutant: string | undefined): Failure | undefined => {
  if (verdict.smallest === undefined) return undefined
  const { scenario, outcome } = verdict.smallest
  return { seed, violations: violationLines(outcome), replay: replayCommand(scenario, mutant) }
}
