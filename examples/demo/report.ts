import Table from 'cli-table3'
import type { Check, DemoResult, GuestResult } from './run-demo.js'

const MIB = 1 << 20

export const allChecks = (result: DemoResult): Check[] => [
  ...result.guests.flatMap(({ checks }) => checks),
  ...result.checks,
]

/** The closing table, then what did not hold, then one line. */
export const renderResult = (result: DemoResult): string => {
  const table = new Table({
    head: [
      'guest',
      'requests',
      'read',
      'written',
      'notifications\nsent / saved',
      'grants\nmapped',
      'read MB/s',
      'write MB/s',
    ],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  })
  for (const guest of result.guests) table.push(rowOf(guest))
  const checks = allChecks(result)
  const failed = checks.filter(({ held }) => !held)
  const verdict =
    failed.length === 0
      ? `all checks passed (${checks.length}), in ${result.seconds.toFixed(1)} s`
      : `${failed.length} of ${checks.length} checks failed`
  return [table.toString(), ...failed.map(({ what }) => `FAILED: ${what}`), verdict].join('\n')
}

const rowOf = ({ name, report, backend }: GuestResult): string[] => {
  if (!report || !backend) return [name, ...Array<string>(7).fill('–')]
  const { stats } = report
  const sent = stats.notificationsSent + backend.notificationsSent
  const saved = stats.notificationsSaved + backend.notificationsSaved
  return [
    name,
    String(stats.reads + stats.writes + stats.flushes),
    `${(stats.bytesRead / MIB).toFixed(1)} MiB`,
    `${(stats.bytesWritten / MIB).toFixed(1)} MiB`,
    `${sent} / ${saved}`,
    String(backend.grantsMapped),
    rate(report.read),
    rate(report.written),
  ]
}

/** Of the file, as the guest's program saw it. */
const rate = (file: { readonly bytes: number; readonly seconds: number } | undefined): string =>
  file && file.seconds > 0 ? (file.bytes / 1e6 / file.seconds).toFixed(1) : '–'
