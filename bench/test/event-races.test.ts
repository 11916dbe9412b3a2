import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

/** Its threads load modules of the built package. */
const runRel = new URL('../dist/run-rel.js', import.meta.url).pathname

it('domains that race in parallel threads lose no wake-up, on either event ABI', { timeout: 120_000 }, async () => {
  const args = [runRel, 'event-races', '--n', '150000', '--seed', '63', '--json']
  const { stdout } = await promisify(execFile)(process.execPath, args)
  expect(JSON.parse(stdout)).toMatchObject({ done: 150_000, violations: [] })
})
