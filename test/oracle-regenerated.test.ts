import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { golden } from './oracle/golden.js'

/** What generate.mjs exits with where there is no gcc, no libxen-dev or no x86-64. */
const CANNOT_RUN = 3

const { status, stdout, stderr } = spawnSync(
  process.execPath,
  [join(import.meta.dirname, 'oracle', 'generate.mjs'), '--print'],
  { encoding: 'utf8' },
)

it.runIf(status !== CANNOT_RUN)('the installed headers say what golden.json says; else run `npm run oracle`', () => {
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual(golden)
})
