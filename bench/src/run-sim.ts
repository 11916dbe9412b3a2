import { randomInt } from 'node:crypto'
import { SingleBar } from 'cli-progress'
import { chosen, exitCodeOf, quietCommand, UsageError, wholeNumber } from './command-line.js'
import { type Mutant, noMutant } from './sim/mutant.js'
import { mutants } from './sim/mutants.js'
import { parseScenario } from './sim/parse-scenario.js'
import { runJudged, trySeed } from './sim/search.js'
import { type Failure, failureOf, violationLines } from './sim/sim-report.js'
import { violationKinds } from './sim/violation.js'

interface Options {
  readonly seeds: number
  readonly seed: number | undefined
  readonly scenario: string | undefined
  readonly mutant: string | undefined
  readonly json: boolean
  readonly list: boolean
}

const SEEDS = 2 ** 32

/** One seed in so many is run twice: both times must take the same course. */
const TWICE_IN = 20

/** Failures that are told of; a run ends when there are as many. */
const MOST_FAILURES = 5

async function main(): Promise<number> {
  const command = quietCommand('sim', 'The whole block and console stack on a simulated machine, under faults.')
    .option('--seeds <n>', 'how many worlds', wholeNumber(1, SEEDS), 100)
    .option('--seed <seed>', 'of the first one; the next is one higher', wholeNumber(0, SEEDS - 1))
    .option('--scenario <json>', 'one world, as an earlier run has printed it')
    .option('--mutant <name>', 'breaks one thing on purpose, to see that it is found')
    .option('--json', 'the outcome as JSON on standard output', false)
    .option('--list', 'says what is watched for, and which mutants there are', false)
    .parse()
  const options = command.opts<Options>()
  if (command.args.length > 0) throw new UsageError(`what is '${command.args[0]}'?`)
  if (options.list) return list()
  const byName = new Map(mutants.map((mutant) => [mutant.name, mutant]))
  const mutant = options.mutant === undefined ? noMutant : chosen(byName, 'mutant', options.mutant)
  return options.scenario === undefined ? trySeeds(mutant, options) : replay(options.scenario, mutant, options)
}

function list(): number {
  const kinds = Object.entries(violationKinds).map(([kind, what]) => `${kind.padEnd(24)}${what}\n`)
  const names = mutants.map(({ name, kind }) => `${name.padEnd(24)}found as ${kind}\n`)
  process.stdout.write(`watched for:\n${kinds.join('')}mutants:\n${names.join('')}`)
  return 0
}

async function replay(text: string, mutant: Mutant, { json }: Options): Promise<number> {
  const scenario = parseScenario(text)
  const outcome = await runJudged(scenario, mutant, true)
  const { violations, traceHash, steps, milliseconds } = outcome
  if (json) process.stdout.write(`${JSON.stringify({ scenario, ...outcome })}\n`)
  else for (const line of violationLines(outcome)) process.stdout.write(`violation: ${line}\n`)
  const closing = `sim: trace ${traceHash}, ${steps} steps in ${milliseconds} ms of virtual time, ${violations.length} violations\n`
  ;(json ? process.stderr : process.stdout).write(closing)
  return violations.length === 0 ? 0 : 1
}

async function trySeeds(mutant: Mutant, options: Options): Promise<number> {
  const { seeds, seed: first = randomInt(SEEDS), json } = options
  const start = performance.now()
  const failures: Failure[] = []
  let done = 0
  let steps = 0
  const endings: Record<string, number> = {}
  const format = 'sim {bar} {value}/{total} {eta_formatted}'
  const bar = new SingleBar({ format, stream: process.stderr, noTTYOutput: false, clearOnComplete: true })
  bar.start(seeds, 0)
  for (; done < seeds && failures.length < MOST_FAILURES; bar.update(++done)) {
    const seed = (first + done) % SEEDS
    const verdict = await trySeed(seed, mutant, done % TWICE_IN === 0 || mutant.kind === 'replay')
    steps += verdict.outcome.steps
    for (const [ending, count] of Object.entries(verdict.outcome.endings))
      endings[ending] = (endings[ending] ?? 0) + count
    const failure = failureOf(seed, verdict, options.mutant)
    if (failure === undefined) continue
    failures.push(failure)
    if (!json) tell(failure)
  }
  bar.stop()
  const seconds = Number(((performance.now() - start) / 1000).toFixed(3))
  if (json) process.stdout.write(`${JSON.stringify({ first, seeds, done, steps, endings, seconds, failures })}\n`)
  const closing = `sim: ${done} of ${seeds} worlds, ${failures.length} with violations, first seed ${first}, ${seconds} s\n`
  ;(json ? process.stderr : process.stdout).write(closing)
  return failures.length === 0 && done === seeds ? 0 : 1
}

function tell({ seed, violations, replay }: Failure): void {
  for (const line of violations) process.stdout.write(`violation: seed ${seed}: ${line}\n`)
  process.stdout.write(`seen again by: ${replay}\n`)
}

process.exitCode = await exitCodeOf('sim', main)
