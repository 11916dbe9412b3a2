// `npm run test:xen`: the scenarios on real Xen.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NotRun } from '@split-driver/debian'
import { Command } from 'commander'
import type { Scenario } from '../scenario.js'
import { notRunCode, runProgram } from './command-line.js'
import { openShell, requireTerminal } from './lab-shell.js'
import { prepare } from './prepare.js'
import { ProgressDisplay } from './report/progress-display.js'
import { closingLine, countsOf, type RunResult } from './report/results.js'
import { describeRun } from './report/results-table.js'
import { makeRunFolder } from './run-folder.js'
import { ScenarioRunner } from './scenario-runner.js'
import { allScenarios, chosenScenarios } from './scenarios.js'

interface Options {
  readonly only?: string[]
  readonly list?: boolean
  readonly json?: boolean
  readonly keep?: boolean
  readonly allowNotRun?: boolean
}

const program = new Command('test:xen')
  .description('Runs the scenarios of lab/scenarios on real Xen, booted in QEMU.')
  .option('--only <names>', 'these scenarios, separated by commas', (names: string) => names.split(','))
  .option('--list', 'name the scenarios and run none')
  .option('--json', 'everything about the run as one JSON object on standard output')
  .option('--keep', 'after a failed scenario, a shell in dom0 as it is then')
  .option('--allow-not-run', `exit code 0, not ${notRunCode}, where real Xen cannot be booted at all`)

async function main(options: Options): Promise<number> {
  const scenarios = chosenScenarios(await allScenarios(), options.only ?? [])
  if (options.list) return list(scenarios, options)
  if (options.keep) requireTerminal()
  const run = await runAll(scenarios, options)
  writeFileSync(join(run.logs, 'result.json'), `${JSON.stringify(run, null, 2)}\n`)
  const counts = countsOf(run.scenarios)
  process.stdout.write(options.json ? `${JSON.stringify(run, null, 2)}\n` : `\n${describeRun(run)}\n`)
  const closing = options.json ? process.stderr : process.stdout
  closing.write(`${closingLine(counts)}\n`)
  if (counts.failed > 0) return 1
  return run.versions === undefined && !options.allowNotRun ? notRunCode : 0
}

function list(scenarios: readonly Scenario[], { json }: Options): number {
  const entries = scenarios.map(({ name, summary, limitSeconds }) => ({ name, summary, limitSeconds }))
  const width = Math.max(...entries.map(({ name }) => name.length))
  const text = entries.map(({ name, summary }) => `${name.padEnd(width)}  ${summary}`).join('\n')
  process.stdout.write(`${json ? JSON.stringify(entries, null, 2) : text}\n`)
  return 0
}

async function runAll(scenarios: readonly Scenario[], options: Options): Promise<RunResult> {
  const start = performance.now()
  using display = new ProgressDisplay(process.stderr)
  const folder = makeRunFolder()
  const seconds = () => (performance.now() - start) / 1000
  try {
    const prepared = await prepare(folder, display)
    await using runner = new ScenarioRunner(
      (storeDaemon) => prepared.machineWith(storeDaemon),
      folder.logs,
      display,
      options.keep ? openShell : undefined,
    )
    const ran = await runEach(runner, scenarios, prepared.qemuVersion)
    return { ...ran, logs: folder.logs, seconds: seconds() }
  } catch (error) {
    if (!(error instanceof NotRun)) throw error
    const none = { result: 'not run', seconds: 0, checks: [], notRun: [], figures: [], reason: error.message } as const
    const results = scenarios.map(({ name, summary }) => ({ name, summary, ...none }))
    return { scenarios: results, boots: [], seconds: seconds(), logs: folder.logs }
  }
}

async function runEach(runner: ScenarioRunner, scenarios: readonly Scenario[], qemu: string) {
  const results = []
  for (const scenario of scenarios) results.push(await runner.run(scenario))
  const { boots, versions } = runner
  return { scenarios: results, boots, ...(versions !== undefined && { versions: { ...versions, qemu } }) }
}

await runProgram<Options>(program, main)
