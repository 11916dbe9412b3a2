import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { wholeNumber } from '../src/command-line.js'

const program = (name: string) => fileURLToPath(new URL(`../dist/${name}.js`, import.meta.url))
const rel = program('run-rel')

it.each([
  ['an unknown suite', rel, ['nope', '--n', '1']],
  ['no suite', rel, ['--n', '1']],
  ['no number of tries', rel, ['nope']],
  ['no tries at all', rel, ['nope', '--n', '0']],
  ['a number in words', rel, ['nope', '--n', 'many']],
  ['a seed that is too large', rel, ['nope', '--n', '1', '--seed', '4294967296']],
  ['an unknown option', rel, ['nope', '--wat']],
  ['an unknown measurement', program('run-bench'), ['nope']],
])('answers %s with one line and exit code 2', (_, file, args) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], { encoding: 'utf8' })
  expect(status).toBe(2)
  expect(stdout).toBe('')
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
})

it('takes whole numbers within bounds, with grouped digits', () => {
  const parse = wholeNumber(1, 1_000_000)
  expect(parse('1')).toBe(1)
  expect(parse('100_000')).toBe(100_000)
  for (const bad of ['0', '1000001', '-1', '1e5', '1.5', '', '_1', '1_', ' 1']) expect(() => parse(bad)).toThrow()
})

it('says what this machine lacks by one line and exit code 3', () => {
  const args = [rel, 'xenstore-originals', '--n', '1']
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env: { PATH: '/nowhere' } })
  expect(stderr).toMatch(/^rel: not run: .*\n$/)
  expect(status).toBe(3)
})
