import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { RelOutcome, RelSuite } from '../src/rel/rel-suite.js'
import { tryAll } from '../src/try-all.js'

let said: string[]

beforeEach(() => {
  said = []
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(String(text)) > 0)
})

afterEach(() => {
  vi.restoreAllMocks()
})

function suiteThatEnds(outcome: (n: number, seed: number) => RelOutcome): RelSuite {
  return { name: 'fake', describe: 'a fake', run: async ({ n, seed }) => outcome(n, seed) }
}

const trial = { name: 'fake', n: 10, seed: 7, json: false }

it('exits 0 when all tries were made and all held', async () => {
  expect(
    await tryAll(
      suiteThatEnds((n) => ({ done: n, violations: [] })),
      trial,
    ),
  ).toBe(0)
  expect(said.at(-1)).toMatch(/^rel fake: 10 of 10 done, 0 violations, seed 7, [\d.]+ s\n$/)
})

it('exits 1 and says so when a try did not hold', async () => {
  expect(
    await tryAll(
      suiteThatEnds((n) => ({ done: n, violations: ['try 3: lost'] })),
      trial,
    ),
  ).toBe(1)
  expect(said).toContain('violation: try 3: lost\n')
})

it('exits 1 when fewer tries were made than asked for', async () => {
  expect(
    await tryAll(
      suiteThatEnds((n) => ({ done: n - 1, violations: [] })),
      trial,
    ),
  ).toBe(1)
})

it('gives standard output to JSON alone with --json', async () => {
  const closing = vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  await tryAll(
    suiteThatEnds((n, seed) => ({ done: n, violations: [], detail: { seed } })),
    { ...trial, json: true },
  )
  expect(said).toHaveLength(1)
  expect(JSON.parse(said[0] ?? '')).toMatchObject({ suite: 'fake', seed: 7, n: 10, done: 10, violations: [] })
  expect(closing).toHaveBeenCalledOnce()
})
