import { randomInt } from 'node:crypto'
import { chosen, exitCodeOf, quietCommand, UsageError, wholeNumber } from './command-line.js'
import { registry } from './registry.js'
import type { RelSuite } from './rel/rel-suite.js'
import { tryAll } from './try-all.js'

interface Options {
  readonly n: number | undefined
  readonly seed: number | undefined
  readonly json: boolean
  readonly list: boolean
}

async function main(): Promise<number> {
  const command = quietCommand('rel', 'Tries what must always hold, N times.')
    .argument('[suite]', 'which suite')
    .option('--n <n>', 'how many tries', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('--seed <seed>', 'repeats an earlier run', wholeNumber(0, 0xffffffff))
    .option('--json', 'the outcome as JSON on standard output', false)
    .option('--list', 'says which suites there are', false)
    .parse()
  const options = command.opts<Options>()
  const suites = await registry<RelSuite>(new URL('rel/', import.meta.url), '.js', 'suite')
  if (options.list) return list(suites)
  const name = command.args[0]
  if (name === undefined) throw new UsageError('which suite? `--list` says which there are')
  const suite = chosen(suites, 'suite', name)
  if (options.n === undefined) throw new UsageError('how many tries? say `--n N`')
  return tryAll(suite, { name, n: options.n, seed: options.seed ?? randomInt(2 ** 32), json: options.json })
}

function list(suites: ReadonlyMap<string, RelSuite>): number {
  for (const [name, suite] of suites) process.stdout.write(`${name}  ${suite.describe}\n`)
  return 0
}

process.exitCode = await exitCodeOf('rel', main)
