import { describe, expect, it } from 'vitest'
import { closingLine, countsOf, type ScenarioResult } from '../../../src/host/report/results.js'
import { describeRun } from '../../../src/host/report/results-table.js'

const passed: ScenarioResult = {
  name: 'good',
  summary: 'all is well',
  result: 'passed',
  seconds: 1.25,
  checks: [
    { what: 'one', seconds: 1 },
    { what: 'two', seconds: 0.25 },
  ],
  notRun: [],
  figures: [{ name: 'read', value: 12.5, unit: 'MiB/s' }],
}
const failed: ScenarioResult = {
  ...passed,
  name: 'bad',
  result: 'failed',
  reason: 'Error: no',
  checks: [
    { what: 'one', seconds: 1 },
    { what: 'three', seconds: 0, failure: 'Error: no' },
  ],
  figures: [],
}
const leaking: ScenarioResult = { ...passed, name: 'leaky', result: 'failed', reason: 'a domain left', figures: [] }
const partial: ScenarioResult = { ...passed, name: 'partial', notRun: [{ what: 'copy', reason: 'no copy here' }] }
const absent: ScenarioResult = {
  ...passed,
  name: 'absent',
  result: 'not run',
  checks: [],
  reason: 'no QEMU',
  figures: [],
}

describe('the counts', () => {
  it.each<[string, ScenarioResult[], string]>([
    ['checks that passed', [passed], '2 passed, 0 failed'],
    ['a failed check, and those before it', [failed], '1 passed, 1 failed'],
    ['a failure outside of any check', [leaking], '2 passed, 1 failed'],
    ['a check that this world cannot run', [partial], '2 passed, 0 failed, 1 not run'],
    ['a scenario that was not run, never as passed', [absent, absent], '0 passed, 0 failed, 2 not run'],
    ['all of them', [passed, failed, leaking, partial, absent], '7 passed, 2 failed, 2 not run'],
  ])('count %s', (_, scenarios, line) => {
    expect(closingLine(countsOf(scenarios))).toBe(line)
  })
})

describe('the words about a run', () => {
  const run = { scenarios: [passed, failed, absent, partial], boots: [12.3], seconds: 20, logs: 'logs/1' }

  it('tell of each scenario what was checked, how it ended and how long it took', () => {
    const rows = describeRun(run).split('\n')
    expect(rows.find((row) => row.includes('good'))).toMatch(/good .* all is well .* passed \(2\) .* 1\.3 /)
    expect(rows.find((row) => row.includes('bad'))).toMatch(/FAILED \(1 passed\)/)
    expect(rows.find((row) => row.includes('absent'))).toMatch(/not run/)
  })

  it('tell figures, reasons, and what was not run', () => {
    const text = describeRun(run)
    expect(text).toContain('good: read 12.5 MiB/s')
    expect(text).toContain('bad, failed, in "three": Error: no')
    expect(text).toContain('absent, not run: no QEMU')
    expect(text).toContain('partial, not run: copy: no copy here')
  })

  it('name versions only when a machine said them', () => {
    expect(describeRun(run)).not.toContain('Xen')
    const versions = { xen: '4.17.7', linux: '6.1.0', node: '20.20.2', qemu: '7.2.22' }
    expect(describeRun({ ...run, versions })).toContain('Xen 4.17.7, Linux 6.1.0, QEMU 7.2.22, Node 20.20.2')
  })
})
