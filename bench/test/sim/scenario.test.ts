import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { noMutant } from '../../src/sim/mutant.js'
import { mutants } from '../../src/sim/mutants.js'
import type { Scenario } from '../../src/sim/scenario.js'
import { runJudged, trySeed } from '../../src/sim/search.js'
import { failureOf } from '../../src/sim/sim-report.js'
import { violationKinds } from '../../src/sim/violation.js'

const program = fileURLToPath(new URL('../../dist/run-sim.js', import.meta.url))

const sim = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

const older = { eventAbi: 'two-level', grantVersion: 1 } as const

const quiet: Scenario = { seed: 11, guests: 2, rounds: 6, interfaces: older, quotas: {}, faults: [] }

/** Everything that can go wrong, in one world. */
const stormy: Scenario = {
  seed: 12,
  guests: 3,
  rounds: 6,
  interfaces: { eventAbi: 'fifo', grantVersion: 2 },
  quotas: {},
  faults: [
    { kind: 'refuse', call: 'grants.map', domid: 0, nth: 9, count: 2 },
    { kind: 'refuse', call: 'channels.bindInterdomain', domid: 0, nth: 5, count: 1 },
    { kind: 'refuse', call: 'channels.allocUnbound', domid: 2, nth: 1, count: 1 },
    { kind: 'delay-events', domid: 0, microseconds: 300 },
    { kind: 'freeze', domid: 1, step: 150, microseconds: 100_000 },
    { kind: 'slow-io', nth: 10, count: 3, microseconds: 200_000 },
    { kind: 'fail-io', nth: 20, count: 3 },
    { kind: 'command', step: 200, name: 'lose-power', argument: 50 },
    { kind: 'command', step: 250, name: 'kill-consoled', argument: 50 },
    { kind: 'command', step: 100, name: 'pull-disk', argument: 1 },
    { kind: 'command', step: 300, name: 'crash-guest', argument: 3 },
    { kind: 'command', step: 500, name: 'kill-backend', argument: 10 },
  ],
}

describe('a whole world', () => {
  it.each([
    ['without faults', quiet],
    ['with all of them', stormy],
    ['whose guests have too little', { ...quiet, quotas: { memoryPages: 24, storeNodes: 12, maxGrantFrames: 1 } }],
    ['whose guests have no port left for a disk', { ...quiet, quotas: { maxEventChannels: 2 } }],
  ])('%s keeps every promise, and takes the same course twice', async (_, scenario) => {
    const outcome = await runJudged(scenario, noMutant, true)
    expect(outcome.violations).toEqual([])
    expect(outcome.steps).toBeGreaterThan(200)
  })
})

describe('what is broken on purpose is found', () => {
  it('each kind of violation by a mutant', () => {
    expect(new Set(mutants.map(({ kind }) => kind))).toEqual(new Set(Object.keys(violationKinds)))
  })

  const inProcess = mutants.filter(({ kind }) => kind !== 'stray-error')
  it.each(inProcess.map((mutant) => [mutant.name, mutant] as const))('%s', async (_, mutant) => {
    const { violations } = await runJudged(quiet, mutant, mutant.kind === 'replay')
    expect(violations.map(({ kind }) => kind)).toContain(mutant.kind)
  })

  it('rejection-is-forgotten, in a process of its own', () => {
    const { status, stdout } = sim('--scenario', JSON.stringify(quiet), '--mutant', 'rejection-is-forgotten')
    expect(stdout).toContain('violation: stray-error: XenError: CLOSED: nobody looks at this')
    expect(status).toBe(1)
  })
})

describe('a failing seed', () => {
  it('shrinks to a world that has less in it and breaks the same promise, and prints what shows it again', async () => {
    const mutant = mutants.find(({ name }) => name === 'port-is-left-open')!
    let seed = 0
    let verdict = await trySeed(seed, mutant, false)
    while (verdict.scenario.guests < 2 || verdict.scenario.faults.length === 0)
      verdict = await trySeed(++seed, mutant, false)
    expect(verdict.smallest?.scenario).toEqual({
      seed: expect.any(Number),
      guests: 1,
      rounds: 1,
      interfaces: older,
      quotas: {},
      faults: [],
    })
    const { replay, violations } = failureOf(seed, verdict, mutant.name)!
    expect(violations).toEqual([expect.stringMatching(/^ledger: still open at the end: port \d of domain 0/)])
    const [, scenario] = /^npm run sim -- --mutant port-is-left-open --scenario '(.*)'$/.exec(replay)!
    const { status, stdout } = sim('--mutant', mutant.name, '--scenario', scenario!)
    expect(stdout).toContain(`violation: ${violations[0]}\n`)
    expect(status).toBe(1)
  })
})

describe('the command', () => {
  it('runs worlds, and the same seed the same ones', () => {
    const [once, again] = [1, 2].map(() => sim('--seeds', '3', '--seed', '40', '--json'))
    const report = JSON.parse(once!.stdout)
    expect(report).toMatchObject({ first: 40, seeds: 3, done: 3, failures: [] })
    expect(JSON.parse(again!.stdout).steps).toBe(report.steps)
    expect(once!.status).toBe(0)
    expect(once!.stderr).toMatch(/^sim: 3 of 3 worlds, 0 with violations, first seed 40, [\d.]+ s\n$/)
  })

  it.each([
    ['an unknown mutant', ['--mutant', 'nope']],
    ['no number of seeds', ['--seeds', 'many']],
    ['a word too many', ['nope']],
    ['a scenario that is no JSON', ['--scenario', '{']],
    ['a scenario without faults', ['--scenario', JSON.stringify({ ...quiet, faults: undefined })]],
    ['a scenario without a seed', ['--scenario', JSON.stringify({ ...quiet, seed: undefined })]],
    ['a scenario whose faults are none', ['--scenario', JSON.stringify({ ...quiet, faults: [1] })]],
    ['a scenario without interfaces', ['--scenario', JSON.stringify({ ...quiet, interfaces: 'fifo' })]],
  ])('answers %s with one line and exit code 2', (_, args) => {
    const { status, stdout, stderr } = sim(...args)
    expect({ status, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({ status: 2, stdout: '', lines: 1 })
  })
})
