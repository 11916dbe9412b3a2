import { expect, it } from 'vitest'
import { describeError, runScenario } from '../../src/dom0/scenario-process.js'
import type { ScenarioEvent } from '../../src/protocol.js'
import type { Lab } from '../../src/scenario.js'

async function told(run: (lab: Lab) => Promise<void>) {
  const events: ScenarioEvent[] = []
  const scenario = { name: 'sample', summary: 'a sample', limitSeconds: 1, run }
  const failure = await runScenario(scenario, (event) => events.push(event)).then(
    () => undefined,
    (error: Error) => error,
  )
  return { events, failure }
}

it('a check is told as it begins and as it ends, and gives what its body gives', async () => {
  const { events, failure } = await told(async (lab) => {
    expect(await lab.check('adds', () => 40 + 2)).toBe(42)
  })
  expect(failure).toBeUndefined()
  expect(events).toEqual([
    { tell: 'check begins', what: 'adds' },
    { tell: 'check ends', what: 'adds', seconds: expect.any(Number) },
  ])
})

it('a failed check ends the scenario and is its failure', async () => {
  const { events, failure } = await told(async (lab) => {
    await lab.check('fails', () => Promise.reject(new Error('no')))
    lab.say('never')
  })
  expect(failure?.message).toBe('no')
  expect(events.at(-1)).toMatchObject({ tell: 'check ends', what: 'fails', failure: expect.stringContaining('no') })
})

it('what was to be undone is undone last first, also after a failure', async () => {
  const undone: number[] = []
  const { failure } = await told(async (lab) => {
    lab.atEnd(() => void undone.push(1))
    lab.atEnd(async () => void undone.push(2))
    throw new Error('no')
  })
  expect(undone).toEqual([2, 1])
  expect(failure?.message).toBe('no')
})

it('a failure while undoing stops no other, and is told besides the first', async () => {
  const undone: number[] = []
  const { failure } = await told(async (lab) => {
    lab.atEnd(() => void undone.push(1))
    lab.atEnd(() => Promise.reject(new Error('cannot undo')))
    throw new Error('no')
  })
  expect(undone).toEqual([1])
  expect(describeError(failure)).toMatch(/no[\s\S]*cannot undo/)
})

it('figures, remarks and what is not run are passed on', async () => {
  const { events } = await told(async (lab) => {
    lab.figure('read', 1.5, 'MiB/s')
    lab.notRun('copy', 'no copy here')
    lab.say('hello')
  })
  expect(events).toEqual([
    { tell: 'figure', name: 'read', value: 1.5, unit: 'MiB/s' },
    { tell: 'not run', what: 'copy', reason: 'no copy here' },
    { tell: 'say', line: 'hello' },
  ])
})

it('an error is described with its causes', () => {
  expect(describeError(new Error('outer', { cause: new Error('inner') }))).toMatch(/outer[\s\S]*caused by Error: inner/)
})
