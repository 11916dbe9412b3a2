import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { binOf } from '../scripts/spawn.mjs'
import { repository } from './architecture/source-file.js'

let folder: string

beforeEach(() => {
  mkdirSync(join(repository, '.cache'), { recursive: true })
  folder = mkdtempSync(join(repository, '.cache', 'closing-line-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

function lastLineOf(files: Record<string, string>): string | undefined {
  for (const [file, text] of Object.entries(files)) {
    writeFileSync(join(folder, file), `import { expect, it } from 'vitest'\n${text}`)
  }
  // Of its own, or the workspace's would be taken, which looks for tests elsewhere.
  const config = join(folder, 'vitest.config.mjs')
  writeFileSync(config, 'export default {}')
  const reporter = join(repository, 'scripts', 'vitest', 'closing-line-reporter.mjs')
  const args = [
    binOf('vitest'),
    'run',
    '--root',
    folder,
    '--config',
    config,
    '--reporter=default',
    `--reporter=${reporter}`,
  ]
  return spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout.trimEnd().split('\n').at(-1)
}

it('counts tests that hold, that fail and that are skipped', () => {
  const text = "it('a', () => {})\nit('b', () => expect(1).toBe(2))\nit.skip('c', () => {})\n"
  expect(lastLineOf({ 'some.test.ts': text })).toBe('1 passed, 1 failed, 1 skipped')
})

it('counts a file that breaks before its first test', () => {
  expect(lastLineOf({ 'ok.test.ts': "it('a', () => {})", 'bad.test.ts': "throw new Error('x')" })).toBe(
    '1 passed, 1 failed',
  )
})

it('counts an error outside any test', () => {
  const text =
    "it('a', () => { setTimeout(() => { throw new Error('late') }, 1) })\nit('b', () => new Promise((r) => setTimeout(r, 50)))"
  expect(lastLineOf({ 'late.test.ts': text })).toBe('2 passed, 1 failed')
})
