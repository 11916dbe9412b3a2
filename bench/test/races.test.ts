import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

/** Its threads load modules of the built package. */
const runRel = new URL('../dist/run-rel.js', import.meta.url).pathname

const races = [
  { suite: 'event-races', n: 150_000, seed: 63, holds: 'lose no wake-up, on either event ABI' },
  { suite: 'grant-races', n: 10_000, seed: 68, holds: 'reach no page that was taken back, under either grant version' },
]

for (const { suite, n, seed, holds } of races)
  it(`domains that race in parallel threads ${holds}`, { timeout: 120_000 }, async () => {
    const args = [runRel, suite, '--n', String(n), '--seed', String(seed), '--json']
    const { stdout } = await promisify(execFile)(process.execPath, args)
    expect(JSON.parse(stdout)).toMatchObject({ done: n, violations: [] })
  })
