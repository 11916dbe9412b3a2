import { BlkifOp, type BlockStore } from '@split-driver/blkif'
import { describe, expect, test } from 'vitest'
import { engineBench } from '../fakes/engine-bench.js'
import { SlowStore } from '../fakes/slow-store.js'

const { Read, Write, FlushDiskcache, WriteBarrier } = BlkifOp

const slowBench = () => {
  let store!: SlowStore
  const made = engineBench({
    store: (inner) => {
      store = new SlowStore(inner)
      return store
    },
  })
  const seg = made.pages(1)
  const ids = () => made.frontend.responses().map(({ id, status }) => [Number(id), status])
  const send = (operation: number, id: number, data = true) =>
    made.frontend.send({ operation, id: BigInt(id), sector_number: BigInt(id), seg: data ? seg : [] })
  return { ...made, slow: store, send, ids }
}

describe('rule 9: with a store that takes its time', () => {
  test('several requests are in work, and answered as they get done', async () => {
    const { engine, slow, send, ids, grants } = slowBench()
    for (const id of [1, 2, 3]) send(Read, id)
    expect(engine.serve(100)).toBe('idle')
    expect(slow.begun).toEqual(['read 512', 'read 1024', 'read 1536'])
    expect(grants.live.size).toBe(3)
    await slow.letGo(2)
    await slow.letGo(0)
    expect(ids()).toEqual([
      [3, 0],
      [1, 0],
    ])
    expect(grants.live.size).toBe(1)
    await slow.letGo()
    expect(ids()).toEqual([[2, 0]])
    expect(grants.live.size).toBe(0)
  })

  test('B11: no more are in work than the ring has slots, though nobody reads the responses', async () => {
    const { frontend, engine, slow, send } = slowBench()
    for (let id = 0; id < 32; id++) send(Read, id)
    expect(engine.serve(1000)).toBe('idle')
    expect(slow.begun.length).toBe(32)
    // A 33rd request while 32 are in work is a producer beyond the ring.
    frontend.memory.storeOrdered(0, 33)
    expect(engine.serve(1000)).toBe('broken')
    while (slow.begun.length > 0) await slow.letGo()
  })

  test('drained resolves when the last mapping has ended', async () => {
    const { engine, slow, send, grants } = slowBench()
    send(Read, 1)
    engine.serve(100)
    let mappings = -1
    const drained = engine.drained().then(() => {
      mappings = grants.live.size
    })
    await Promise.resolve()
    expect(mappings).toBe(-1)
    await slow.letGo()
    await drained
    expect(mappings).toBe(0)
  })
})

describe('blkif.h BLKIF_OP_FLUSH_DISKCACHE', () => {
  test('a flush starts when all writes received before it are done; later ones do not wait', async () => {
    const { engine, slow, send, ids } = slowBench()
    send(Write, 1)
    send(Write, 2)
    send(FlushDiskcache, 3, false)
    send(Write, 4)
    send(Read, 5)
    engine.serve(100)
    expect(slow.begun).toEqual(['write 512', 'write 1024', 'write 2048', 'read 2560'])
    await slow.letGo(2)
    await slow.letGo(0)
    expect(slow.begun).toEqual(['write 1024', 'read 2560'])
    await slow.letGo(0)
    expect(slow.begun).toEqual(['read 2560', 'flush'])
    expect(ids()).toEqual([
      [4, 0],
      [1, 0],
      [2, 0],
    ])
    await slow.letGo(1)
    await slow.letGo(0)
    expect(ids()).toEqual([
      [3, 0],
      [5, 0],
    ])
  })

  test('flushes end in the order in which they came', async () => {
    const { engine, slow, send, ids } = slowBench()
    send(Write, 1)
    send(FlushDiskcache, 2, false)
    send(FlushDiskcache, 3, false)
    engine.serve(100)
    for (let step = 0; step < 3; step++) {
      expect(slow.begun.length).toBe(1)
      await slow.letGo()
    }
    expect(ids().map(([id]) => id)).toEqual([1, 2, 3])
  })

  test('a flush with data first makes durable what was written before', async () => {
    const { engine, slow, send } = slowBench()
    send(FlushDiskcache, 2)
    engine.serve(100)
    for (const step of ['flush', 'write 1024']) {
      expect(slow.begun).toEqual([step])
      await slow.letGo()
    }
    expect(slow.begun).toEqual([])
  })
})

describe('blkif.h BLKIF_OP_WRITE_BARRIER', () => {
  test('nothing received after a barrier starts before it is done, and it ends durable', async () => {
    const { engine, slow, send, ids, unblocked } = slowBench()
    send(Write, 1)
    send(WriteBarrier, 2)
    send(Write, 3)
    expect(engine.serve(100)).toBe('blocked')
    for (const step of ['write 512', 'flush', 'write 1024', 'flush']) {
      expect(slow.begun).toEqual([step])
      expect(engine.serve(100)).toBe('blocked')
      await slow.letGo()
    }
    expect(unblocked()).toBe(1)
    expect(engine.serve(100)).toBe('idle')
    expect(slow.begun).toEqual(['write 1536'])
    await slow.letGo()
    expect(ids().map(([id]) => id)).toEqual([1, 2, 3])
  })
})

describe('a store that fails', () => {
  const failing = (fail: () => void | Promise<void>): BlockStore => ({
    byteLength: 65536,
    sectorBytes: 512,
    readOnly: false,
    read: fail,
    write: fail,
    flush: fail,
    [Symbol.asyncDispose]: async () => undefined,
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('no')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
  ])('%s: one error response each, its owner is told, no mapping left', async (_, fail) => {
    const { frontend, engine, pages, grants, storeErrors } = engineBench({ store: () => failing(fail) })
    const seg = pages(2)
    frontend.send(
      { operation: Read, seg },
      { operation: Write, seg },
      { operation: FlushDiskcache },
      { operation: WriteBarrier, seg },
    )
    engine.serve(100)
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
    expect(frontend.responses().map(({ operation, status }) => [operation, status])).toEqual([
      [Read, -1],
      [Write, -1],
      [FlushDiskcache, -1],
      [WriteBarrier, -1],
    ])
    expect(storeErrors.length).toBe(4)
    expect(grants.live.size).toBe(0)
  })
})
