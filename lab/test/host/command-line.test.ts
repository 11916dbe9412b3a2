import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const program = (name: string) => fileURLToPath(new URL(`../../dist/src/host/${name}.js`, import.meta.url))
const run = (name: string, ...args: string[]) =>
  spawnSync(process.execPath, [program(name), ...args], { encoding: 'utf8' })

it.each([
  ['an unknown option', 'run-scenarios', ['--wat']],
  ['a name too many', 'run-scenarios', ['smoke']],
  ['no name behind --only', 'run-scenarios', ['--only']],
  ['an unknown scenario', 'run-scenarios', ['--only', 'smoke,nope']],
  ['a failed dom0 to be kept where nobody can type', 'run-scenarios', ['--keep']],
  ['a shell where nobody can type', 'run-lab', []],
  ['a limit in words', 'run-lab', ['--exec', 'true', '--limit', 'long']],
  ['a limit of none', 'run-lab', ['--exec', 'true', '--limit', '0']],
])('answers %s with one line and exit code 2', (_, name, args) => {
  const { status, stdout, stderr } = run(name, ...args)
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  expect(stdout).toBe('')
  expect(status).toBe(2)
})

describe('--list', () => {
  it('names each scenario with what it checks, smoke first', () => {
    const { status, stdout } = run('run-scenarios', '--list')
    expect(stdout).toMatch(/^smoke +Xen, dom0/)
    expect(status).toBe(0)
  })

  it('says the same to a program', () => {
    const list = JSON.parse(run('run-scenarios', '--list', '--json', '--only', 'smoke').stdout)
    expect(list).toEqual([{ name: 'smoke', summary: expect.any(String), limitSeconds: expect.any(Number) }])
  })
})
