import type { Versions } from '../../protocol.js'

/** One named check of a scenario. */
export interface CheckResult {
  readonly what: string
  readonly seconds: number
  readonly failure?: string
}

export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
}

/** All that is known about one scenario after a run. */
export interface ScenarioResult {
  readonly name: string
  readonly summary: string
  readonly result: 'passed' | 'failed' | 'not run'
  readonly seconds: number
  readonly checks: readonly CheckResult[]
  readonly notRun: readonly { readonly what: string; readonly reason: string }[]
  readonly figures: readonly Figure[]
  /** Why it failed, or why it was not run. */
  readonly reason?: string
}

/** All that is known about a run. */
export interface RunResult {
  readonly scenarios: readonly ScenarioResult[]
  /** As the run itself said them; absent when nothing booted. */
  readonly versions?: Versions & { readonly qemu: string }
  /** Seconds to a ready dom0, for each boot. */
  readonly boots: readonly number[]
  readonly seconds: number
  /** Folder of the serial logs. */
  readonly logs: string
}

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly notRun: number
}

/** Counts checks; a scenario that failed outside of its checks, or was not run at all, counts as one. */
export function countsOf(scenarios: readonly ScenarioResult[]): Counts {
  const sum = (number: (scenario: ScenarioResult) => number) => scenarios.reduce((total, one) => total + number(one), 0)
  const failedChecks = (scenario: ScenarioResult) =>
    scenario.checks.filter(({ failure }) => failure !== undefined).length
  return {
    passed: sum(({ checks }) => checks.filter(({ failure }) => failure === undefined).length),
    failed: sum((scenario) => (scenario.result === 'failed' ? Math.max(1, failedChecks(scenario)) : 0)),
    notRun: sum(({ result, notRun }) => (result === 'not run' ? 1 : notRun.length)),
  }
}

/** The last line of a run. */
export function closingLine({ passed, failed, notRun }: Counts): string {
  return `${passed} passed, ${failed} failed${notRun > 0 ? `, ${notRun} not run` : ''}`
}
