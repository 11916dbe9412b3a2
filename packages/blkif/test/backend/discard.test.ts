import { BlkifOp, BlkifStatus, type BlockStore, X86_32_ABI, X86_64_ABI } from '@split-driver/blkif'
import { describe, expect, test } from 'vitest'
import { type EngineBenchOptions, engineBench } from '../fakes/engine-bench.js'

const { Discard } = BlkifOp

/** A disk of 128 sectors whose discards are written down. */
const discardBench = (options: EngineBenchOptions = {}) => {
  const discards: [number, number, boolean][] = []
  const store = (inner: BlockStore): BlockStore => ({
    byteLength: inner.byteLength,
    sectorBytes: inner.sectorBytes,
    readOnly: false,
    discardUnits: { granularityBytes: 512 },
    read: (position, targets) => inner.read(position, targets),
    write: (position, sources) => inner.write(position, sources),
    flush: () => inner.flush(),
    discard: (...range) => {
      discards.push(range)
    },
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  })
  const bench = engineBench({ store, discard: { secure: false }, ...options })
  const { abi = X86_64_ABI } = options
  const ask = (sector_number: bigint, nr_sectors: bigint, flag = 0) => {
    const id = 9n
    bench.frontend.sendWords(abi.discard.create({ operation: Discard, flag, handle: 0, id, sector_number, nr_sectors }))
    bench.engine.serve(10)
    return bench.frontend.responses()
  }
  return { ...bench, discards, ask }
}

const answer = (status: number) => [{ id: 9n, operation: Discard, status }]

test.each([X86_64_ABI, X86_32_ABI])('rule 14: a range is given back, in $protocol', (abi) => {
  const { ask, discards, stats } = discardBench({ abi })
  expect(ask(3n, 5n)).toEqual(answer(BlkifStatus.Okay))
  expect(ask(0n, 128n)).toEqual(answer(BlkifStatus.Okay))
  expect(discards).toEqual([
    [3 * 512, 5 * 512, false],
    [0, 128 * 512, false],
  ])
  expect(stats).toMatchObject({ discards: 2, bytesDiscarded: 133 * 512 })
})

describe('rule 19: a range that is none of this disk is an error', () => {
  test.each([
    [127n, 2n],
    [128n, 1n],
    [0n, 129n],
    [1n, 2n ** 64n - 1n],
    [2n ** 64n - 1n, 1n],
    [2n ** 63n, 2n ** 63n],
  ])('%i and %i sectors', (sector, count) => {
    const { ask, discards } = discardBench()
    expect(ask(sector, count)).toEqual(answer(BlkifStatus.Error))
    expect(discards).toEqual([])
  })

  test('no whole sectors of 4096 bytes', () => {
    const { ask, discards } = discardBench({ sectorBytes: 4096 })
    expect(ask(8n, 4n)).toEqual(answer(BlkifStatus.Error))
    expect(ask(4n, 8n)).toEqual(answer(BlkifStatus.Error))
    expect(ask(8n, 8n)).toEqual(answer(BlkifStatus.Okay))
    expect(discards).toEqual([[4096, 4096, false]])
  })
})

test('rule 29: the flag for a secure one is obeyed where it was offered, and means nothing elsewhere', () => {
  const offered = discardBench({ discard: { secure: true } })
  offered.ask(0n, 8n, 1)
  offered.ask(0n, 8n, 0xfe)
  expect(offered.discards.map(([, , secure]) => secure)).toEqual([true, false])
  const not = discardBench()
  expect(not.ask(0n, 8n, 1)).toEqual(answer(BlkifStatus.Okay))
  expect(not.discards).toEqual([[0, 4096, false]])
})

test('B3: nothing is given back of a read-only disk', () => {
  const { ask, discards } = discardBench({ readOnly: true })
  expect(ask(0n, 8n)).toEqual(answer(BlkifStatus.Error))
  expect(discards).toEqual([])
})

test('rule 28: not supported where it was not offered', () => {
  const { ask, discards } = discardBench({ discard: undefined })
  expect(ask(0n, 8n)).toEqual(answer(BlkifStatus.NotSupported))
  expect(discards).toEqual([])
})

test('a flush waits for the discards before it', async () => {
  const done: string[] = []
  let finish = (): void => undefined
  const { frontend, engine } = engineBench({
    discard: { secure: false },
    store: (inner) => ({
      byteLength: inner.byteLength,
      sectorBytes: 512,
      readOnly: false,
      read: () => undefined,
      write: () => undefined,
      flush: () => {
        done.push('flush')
      },
      discard: () =>
        new Promise<void>((resolve) => {
          finish = () => {
            done.push('discard')
            resolve()
          }
        }),
      [Symbol.asyncDispose]: async () => undefined,
    }),
  })
  const range = { flag: 0, handle: 0, id: 1n, sector_number: 0n, nr_sectors: 8n }
  frontend.sendWords(X86_64_ABI.discard.create({ operation: Discard, ...range }))
  frontend.send({ operation: BlkifOp.FlushDiskcache, id: 2n })
  engine.serve(10)
  expect(done).toEqual([])
  finish()
  await engine.drained()
  expect(done).toEqual(['discard', 'flush'])
  expect(frontend.responses().map(({ id }) => id)).toEqual([1n, 2n])
})
