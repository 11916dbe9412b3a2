import Table from 'cli-table3'
import type { Bench, BenchRow } from './bench.js'
import { chosen, exitCodeOf, quietCommand } from './command-line.js'
import { registry } from './registry.js'

interface Options {
  readonly json: boolean
  readonly list: boolean
}

async function main(): Promise<number> {
  const command = quietCommand('bench', 'Measures beside a peer; without a name, everything.')
    .argument('[name]', 'which measurement')
    .option('--json', 'the rows as JSON on standard output', false)
    .option('--list', 'says which measurements there are', false)
    .parse()
  const options = command.opts<Options>()
  const benches = await registry<Bench>(new URL('.', import.meta.url), '.bench.js', 'bench')
  if (options.list) return list(benches)
  const name = command.args[0]
  const wanted = name === undefined ? benches : new Map([[name, chosen(benches, 'measurement', name)]])
  const measured: Record<string, readonly BenchRow[]> = {}
  for (const [key, bench] of wanted) measured[key] = await bench.run({ progress: (what) => show(`${key}: ${what}`) })
  show('')
  process.stdout.write(options.json ? `${JSON.stringify(measured)}\n` : tables(measured))
  return 0
}

function list(benches: ReadonlyMap<string, Bench>): number {
  for (const [name, bench] of benches) process.stdout.write(`${name}  ${bench.describe}\n`)
  return 0
}

/** One line that replaces itself, on a terminal only. */
function show(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${what}`)
}

function tables(measured: Readonly<Record<string, readonly BenchRow[]>>): string {
  return Object.entries(measured)
    .map(([name, rows]) => `${name}\n${table(rows)}\n`)
    .join('\n')
}

function table(rows: readonly BenchRow[]): string {
  const head = ['work', 'ours', 'peer', 'ratio', 'goal', 'met', 'note']
  const colAligns = ['left', 'right', 'right', 'right', 'right', 'left', 'left'] as const
  const result = new Table({ head, colAligns: [...colAligns], style: { head: [], border: [] } })
  for (const row of rows) {
    result.push([
      row.work,
      `${figure(row.ours)} ${row.unit}`,
      row.peer === null ? 'not run' : `${figure(row.peer)} ${row.unit}`,
      row.ratio?.toFixed(2) ?? '',
      row.goal === undefined ? '' : `≥ ${row.goal}`,
      verdict(row),
      row.note ?? '',
    ])
  }
  return result.toString()
}

function verdict({ goal, ratio }: BenchRow): string {
  if (goal === undefined || ratio === null) return ''
  return ratio >= goal ? 'yes' : 'no'
}

const figure = (value: number): string => value.toLocaleString('en', { maximumSignificantDigits: 3 })

process.exitCode = await exitCodeOf('bench', main)
