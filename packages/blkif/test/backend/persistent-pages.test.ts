import type { Domid, GrantRef } from '@split-driver/abi'
import { BlkifOp, BlkifStatus } from '@split-driver/blkif'
import { SeededRandom } from '@split-driver/conformance'
import { afterEach, describe, expect, test } from 'vitest'
import { emptyHold } from '../../src/backend/guest-pages.js'
import { PersistentPages } from '../../src/backend/persistent-pages.js'
import { engineBench, GUEST } from '../fakes/engine-bench.js'
import { FakeGrants } from '../fakes/fake-grants.js'

const { Read, Write } = BlkifOp

const pool = (limit: number, pageCount = 64) => {
  const grants = new FakeGrants(pageCount)
  const refs = grants.share(GUEST, pageCount, 'writable').refs
  const stats = { grantsMapped: 0, grantsReused: 0 }
  const pages = new PersistentPages({ mapper: grants, remoteDomid: GUEST, stats, limit })
  /** Holds them, looks whether they are the right ones, and returns how to end it. */
  const hold = (...indices: number[]) => {
    const held = emptyHold()
    pages.hold(
      indices.map((i) => refs[i]!),
      'read-only',
      held,
    )
    const found = held.pages.map((page) => page.bytes(0, 4096).byteOffset / 4096)
    expect(found, 'pages held').toEqual(indices)
    return () => pages.release(held)
  }
  const use = (...indices: number[]) => hold(...indices)()
  return { grants, refs, stats, pages, hold, use }
}

const pools: ReturnType<typeof pool>[] = []
const freshPool = (...args: Parameters<typeof pool>) => {
  const made = pool(...args)
  pools.push(made)
  return made
}

afterEach(() => {
  for (const { pages, grants } of pools.splice(0)) {
    pages.close()
    expect(grants.live.size, 'mappings left').toBe(0)
  }
})

test('rule 22: what was mapped once is not mapped again, whatever request names it', () => {
  const { use, stats, grants } = freshPool(32)
  use(0, 1, 2)
  use(2, 0, 1)
  use(2, 3, 1, 4)
  expect(stats).toEqual({ grantsMapped: 5, grantsReused: 5 })
  expect(grants.made.map(({ pages }) => pages)).toEqual([3, 2])
})

test('rule 21: pages that stay mapped are writable, also if the first request only reads them', () => {
  const { use, grants } = freshPool(32)
  use(0)
  expect(grants.made[0]!.access).toBe('writable')
})

describe('at the limit', () => {
  test('what has been unused longest is unmapped, and what is held is not', () => {
    const { use, hold, grants, pages } = freshPool(4)
    const end = hold(0)
    use(1)
    use(2)
    use(3)
    use(1)
    use(4)
    const mapped = () => [...grants.live].map(({ refs }) => refs[0]! - 8).sort()
    expect(mapped()).toEqual([0, 1, 3, 4])
    expect(pages.keptCount).toBe(4)
    end()
  })

  test('pages for which there is no room are mapped for their request alone', () => {
    const { hold, grants, pages } = freshPool(2)
    const ends = [hold(0), hold(1), hold(2), hold(2, 3)]
    expect(grants.live.size).toBe(4)
    for (const end of ends) end()
    expect(grants.live.size).toBe(2)
    expect(pages.keptCount).toBe(2)
  })

  test('a request of more pages than the limit is served, and nothing of it stays', () => {
    const { use, pages, grants } = freshPool(2)
    use(0, 1, 2)
    expect([pages.keptCount, grants.live.size]).toEqual([0, 0])
  })
})

test('a page that one request names twice', () => {
  const { use, pages } = freshPool(8)
  const twice = () => use(0, 0)
  twice()
  twice()
  use(0, 1, 0, 1)
  pages.sweep()
  expect(pages.sweep()).toBe(false)
})

test('B1: when one page cannot be had nothing is held, what was kept stays, and the next request is served', () => {
  const { use, hold, grants, refs, pages } = freshPool(8)
  use(0, 1)
  const bad = () => pages.hold([refs[0]!, 0xffff_ffff as GrantRef, refs[2]!], 'writable', emptyHold())
  expect(bad).toThrow('GNTST_bad_gntref')
  expect(grants.live.size).toBe(1)
  hold(0, 1, 2)()
  // What is not held can be let go: nothing of the failed request holds it.
  pages.sweep()
  expect(pages.sweep()).toBe(false)
  expect(grants.live.size).toBe(0)
})

test('what no request used between two sweeps is unmapped', () => {
  const { use, hold, pages, grants } = freshPool(16)
  use(0)
  const end = hold(1)
  expect(pages.sweep()).toBe(true)
  use(2)
  expect(pages.sweep()).toBe(true)
  expect(pages.keptCount).toBe(2)
  end()
  pages.sweep()
  expect(pages.sweep()).toBe(false)
  expect(grants.live.size).toBe(0)
})

test('any order of holds and releases: each page is the right one, and kept pages never exceed the limit', () => {
  const random = new SeededRandom(7)
  const { hold, pages, grants } = freshPool(10)
  const ends: (() => void)[] = []
  for (let step = 0; step < 3000; step++) {
    if (ends.length > 0 && random.below(2) === 0) ends.splice(random.below(ends.length), 1)[0]!()
    else if (ends.length < 6) ends.push(hold(...Array.from({ length: 1 + random.below(6) }, () => random.below(24))))
    if (random.below(50) === 0) pages.sweep()
    expect(pages.keptCount).toBeLessThanOrEqual(10)
  }
  for (const end of ends) end()
  expect([...grants.live].reduce((count, { refs }) => count + refs.length, 0)).toBe(pages.keptCount)
})

test('the engine serves reads and writes of the same pages with one mapping', () => {
  const { frontend, engine, pages, grants, stats, kept, page, disk } = engineBench({ persistentPages: 32 })
  const seg = pages(3)
  for (let round = 0; round < 10; round++) {
    page(seg[0]!.gref).fill(round + 100)
    frontend.send({ operation: Write, seg, sector_number: 8n }, { operation: Read, seg })
    engine.serve(100)
    expect(frontend.responses().map(({ status }) => status)).toEqual([BlkifStatus.Okay, BlkifStatus.Okay])
    expect(disk[8 * 512]).toBe(round + 100)
  }
  expect(stats).toMatchObject({ grantsMapped: 3, grantsReused: 57 })
  kept.close()
  expect(grants.live.size).toBe(0)
})

test('pages of another guest are another pool: references are numbers of one domain', () => {
  const grants = new FakeGrants(4)
  const { refs } = grants.share(GUEST, 1, 'writable')
  const stats = { grantsMapped: 0, grantsReused: 0 }
  const held = emptyHold()
  const remoteDomid = 9 as Domid
  const pages = new PersistentPages({ mapper: grants, remoteDomid, stats, limit: 4 })
  pages.hold(refs, 'writable', held)
  expect([...grants.live].map((mapping) => mapping.remoteDomid)).toEqual([9])
  pages.release(held)
  pages.close()
})
