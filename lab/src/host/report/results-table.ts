import Table from 'cli-table3'
import type { RunResult, ScenarioResult } from './results.js'

const summaryWidth = 52

/** The table of a run, its figures, and what must be told about each scenario that did not pass. */
export function describeRun(run: RunResult): string {
  return [table(run.scenarios), figures(run), ...run.scenarios.flatMap(remarks), footer(run)]
    .filter((part) => part !== '')
    .join('\n\n')
}

function table(scenarios: readonly ScenarioResult[]): string {
  const view = new Table({
    head: ['scenario', 'what was checked', 'result', 'seconds'],
    colWidths: [null, summaryWidth, null, null],
    colAligns: ['left', 'left', 'left', 'right'],
    wordWrap: true,
    style: { head: [], border: [] },
  })
  for (const scenario of scenarios) {
    view.push([scenario.name, scenario.summary, resultWords(scenario), scenario.seconds.toFixed(1)])
  }
  return view.toString()
}

function resultWords({ result, checks, notRun }: ScenarioResult): string {
  if (result === 'not run') return 'not run'
  const passed = checks.filter(({ failure }) => failure === undefined).length
  const words = result === 'passed' ? `passed (${passed})` : `FAILED (${passed} passed)`
  return notRun.length > 0 ? `${words}\n${notRun.length} not run` : words
}

function figures({ scenarios }: RunResult): string {
  const line = (scenario: ScenarioResult) =>
    scenario.figures.map(({ name, value, unit }) => `${scenario.name}: ${name} ${value} ${unit}`.trimEnd())
  return scenarios.flatMap(line).join('\n')
}

function remarks({ name, result, reason, checks, notRun }: ScenarioResult): string[] {
  const missing = notRun.map(({ what, reason }) => `${name}, not run: ${what}: ${reason}`).join('\n')
  if (result === 'passed') return missing === '' ? [] : [missing]
  const failed = checks.filter(({ failure }) => failure !== undefined).map(({ what }) => `, in "${what}"`)
  return [`${name}, ${result}${failed.join('')}: ${reason}`, missing].filter((part) => part !== '')
}

function footer({ versions, boots, seconds, logs }: RunResult): string {
  if (versions === undefined) return `logs: ${logs}`
  const { xen, linux, node, qemu } = versions
  const bootWords = boots.map((boot) => `${boot.toFixed(1)} s`).join(', ')
  return `Xen ${xen}, Linux ${linux}, QEMU ${qemu}, Node ${node}; booted in ${bootWords}; ${seconds.toFixed(0)} s in all\nlogs: ${logs}`
}
