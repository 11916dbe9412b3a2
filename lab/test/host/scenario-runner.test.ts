import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { ProgressDisplay } from '../../src/host/report/progress-display.js'
import { ScenarioRunner } from '../../src/host/scenario-runner.js'
import type { StoreDaemon } from '../../src/scenario.js'

const fakeMachine = fileURLToPath(new URL('fake-machine.mjs', import.meta.url))
const scenario = (name: string) => ({
  name,
  summary: `shows ${name}`,
  limitSeconds: 10,
  run: async () => undefined,
  ...(name.startsWith('ours') && { storeDaemon: 'split-driver' as const }),
  ...(name.startsWith('ruinous') && { ruinsDom0: true }),
})

/** Runs one scenario for each name; `boots` says what each does in the boot that it meets. */
async function run(boots: string[], names: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'runner-'))
  const [script, log] = [join(folder, 'script'), join(folder, 'log')]
  writeFileSync(script, boots.join('\n'))
  writeFileSync(log, '')
  let shown = ''
  const stream = new Writable({
    write(text, _, done) {
      shown += text
      done()
    },
  })
  const asked: StoreDaemon[] = []
  const machineWith = (storeDaemon: StoreDaemon) => {
    asked.push(storeDaemon)
    return { command: [process.execPath, fakeMachine, script, log] as [string, ...string[]], environment: {} }
  }
  using display = new ProgressDisplay(stream as unknown as NodeJS.WriteStream)
  await using runner = new ScenarioRunner(machineWith, folder, display)
  const results = []
  for (const name of names) results.push(await runner.run(scenario(name)))
  return { results, runner, shown, folder, acts: readFileSync(log, 'utf8').trim().split('\n'), asked }
}

it('one boot serves scenarios that leave dom0 as it was, in order', async () => {
  const { results, runner, acts } = await run(['pass fail pass'], ['a', 'b', 'c'])
  expect(results.map(({ result }) => result)).toEqual(['passed', 'failed', 'passed'])
  expect(acts).toEqual(['boot', 'pass a', 'fail b', 'pass c'])
  expect(runner.boots).toHaveLength(1)
  expect(runner.versions).toEqual({ xen: '4.99', linux: '6.99', node: '99' })
})

it('what a scenario reports is in its result', async () => {
  const { results, shown } = await run(['fail'], ['a'])
  expect(results[0]).toMatchObject({
    name: 'a',
    summary: 'shows a',
    seconds: 1,
    checks: [{ what: 'works', seconds: 0.5, failure: 'fail on purpose' }],
    figures: [{ name: 'speed', value: 7, unit: 'm/s' }],
    reason: 'fail on purpose',
  })
  expect(shown).toMatch(/FAILED works, 0\.5 s/)
})

it('what a scenario leaves behind is its failure, and the next has a fresh dom0', async () => {
  const { results, acts } = await run(['leak', 'pass'], ['a', 'b'])
  expect(results[0]).toMatchObject({ result: 'failed', reason: 'leak on purpose', checks: [{ what: 'works' }] })
  expect(results[1].result).toBe('passed')
  expect(acts).toEqual(['boot', 'leak a', 'boot', 'pass b'])
})

it('a scenario that wants another XenStore daemon has a dom0 that booted with it, and shares it with its like', async () => {
  const { acts, asked } = await run(['pass', 'pass pass', 'pass'], ['a', 'ours b', 'ours c', 'd'])
  expect(acts).toEqual(['boot', 'pass a', 'boot', 'pass ours b', 'pass ours c', 'boot', 'pass d'])
  expect(asked).toEqual(['xenstored', 'split-driver', 'xenstored'])
})

it('after a scenario that ruins dom0, which is no failure, the next has a fresh one', async () => {
  const { results, acts } = await run(['pass', 'pass'], ['ruinous a', 'b'])
  expect(results.map(({ result }) => result)).toEqual(['passed', 'passed'])
  expect(acts).toEqual(['boot', 'pass ruinous a', 'boot', 'pass b'])
})

it('when dom0 dies, the scenario fails and the next has a fresh one', async () => {
  const { results, acts } = await run(['pass die', 'pass'], ['a', 'b', 'c'])
  expect(results.map(({ result }) => result)).toEqual(['passed', 'failed', 'passed'])
  expect(results[1].reason).toMatch(
    /^in "dies": the machine ended \(QEMU's exit code 9\); the end of console-1\.log:\n.*a line of/,
  )
  expect(acts).toEqual(['boot', 'pass a', 'die b', 'boot', 'pass c'])
})

it('a machine that does not boot fails what needed it; after two no more is tried', async () => {
  const { results, acts, folder } = await run(['no-boot', 'no-boot', 'pass'], ['a', 'b', 'c'])
  expect(results.map(({ result }) => result)).toEqual(['failed', 'failed', 'failed'])
  expect(results[2].reason).toBe('dom0 did not boot 2 times')
  expect(acts).toEqual(['boot', 'boot'])
  expect(readFileSync(join(folder, 'console-2.log'), 'utf8')).toContain('(XEN) a line of the console')
})
