import { FlatMemory, XenError } from '@split-driver/abi'
import { BlkifOp } from '@split-driver/blkif'
import { describe, expect, test } from 'vitest'
import { frontendBench } from '../fakes/frontend-bench.js'

const { Read, Write } = BlkifOp

const oneRead = (engine: ReturnType<typeof frontendBench>['engine']) => {
  const target = new Uint8Array(512).fill(0xee)
  let settled = 0
  const count = () => settled++
  engine.transfer({ operation: Read, sectorNumber: 0, buffers: [target], byteLength: 512 }).then(count, count)
  return { target, settled: () => settled }
}

describe('R1: a frontend', () => {
  test('never reads back a request that it wrote', async () => {
    const { engine, memory, requests, respond } = frontendBench()
    const { copyOut } = FlatMemory.prototype
    const fetched: [number, number][] = []
    oneRead(engine)
    const [request] = requests()
    // The backend rewrites the whole slot before it answers in it.
    memory.mutableBytes(64, 112).fill(0xff)
    memory.copyOut = function (word, count, target, at) {
      fetched.push([word, count])
      copyOut.call(this, word, count, target, at)
    }
    respond({ id: request!.id, operation: Read, status: 0 })
    expect(engine.drain()).toBeUndefined()
    expect(fetched).toEqual([[16, 3]])
  })
})

describe('R2: an impossible producer of responses', () => {
  test.each([33, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1])('rsp_prod %i breaks the ring', (rspProd) => {
    const { engine, memory } = frontendBench()
    oneRead(engine)
    memory.storeOrdered(2, rspProd)
    expect(engine.drain()).toMatchObject({ code: 'RING_PROD_OVERFLOW' })
  })

  test('an index that comes and goes ends the drain, too', () => {
    const { engine, memory } = frontendBench()
    oneRead(engine)
    const { loadOrdered } = FlatMemory.prototype
    let looks = 0
    // Something is there whenever the final check looks a second time, and is gone when it is fetched.
    memory.loadOrdered = function (word) {
      return word === 2 ? (++looks % 3 === 0 ? 1 : 0) : loadOrdered.call(this, word)
    }
    expect(engine.drain()).toMatchObject({ code: 'RING_PROD_OVERFLOW' })
    expect(looks).toBeLessThan(200)
  })
})

describe('R4: a response that makes no sense is a device error, and every call settles once', () => {
  const BAD: readonly (readonly [string, (id: bigint) => { id: bigint; operation: number; status: number }])[] = [
    ['an id beyond the table', (id) => ({ id: id + 32n, operation: Read, status: 0 })],
    ['an id of 2³¹', (id) => ({ id: id + 2n ** 31n, operation: Read, status: 0 })],
    ['an id of 2⁶⁴ − 1', () => ({ id: 2n ** 64n - 1n, operation: Read, status: 0 })],
    ['an idle id', (id) => ({ id: id + 1n, operation: Read, status: 0 })],
    ['an id of an earlier use of its place', (id) => ({ id: id - 2n ** 32n, operation: Read, status: 0 })],
    ['another operation', (id) => ({ id, operation: Write, status: 0 })],
    ['status 1', (id) => ({ id, operation: Read, status: 1 })],
    ['status −3', (id) => ({ id, operation: Read, status: -3 })],
    ['status −32768', (id) => ({ id, operation: Read, status: -32768 })],
  ]
  test.each(BAD)('%s', async (_, bad) => {
    const { engine, requests, respond } = frontendBench()
    const { target, settled } = oneRead(engine)
    respond(bad(requests()[0]!.id))
    const error = engine.drain()
    expect(error).toMatchObject({ code: 'RING_BAD_RESPONSE' })
    engine.close(error!)
    await Promise.resolve()
    expect(settled()).toBe(1)
    expect(target.every((byte) => byte === 0xee)).toBe(true)
  })

  test('a duplicate: the call was settled by the first', async () => {
    const { engine, requests, respond } = frontendBench()
    const first = oneRead(engine)
    const second = oneRead(engine)
    const [a] = requests()
    respond({ id: a!.id, operation: Read, status: 0 }, { id: a!.id, operation: Read, status: 0 })
    expect(engine.drain()).toMatchObject({ code: 'RING_BAD_RESPONSE' })
    engine.close(new XenError('RING_BAD_RESPONSE', 'a duplicate'))
    await Promise.resolve()
    expect([first.settled(), second.settled()]).toEqual([1, 1])
  })

  test('a duplicate of a request whose place is in use again', async () => {
    const { engine, requests, respond } = frontendBench()
    oneRead(engine)
    const [a] = requests()
    respond({ id: a!.id, operation: Read, status: 0 })
    expect(engine.drain()).toBeUndefined()
    const later = oneRead(engine)
    expect(requests()[0]!.seg[0]!.gref).toBe(a!.seg[0]!.gref)
    respond({ id: a!.id, operation: Read, status: 0 })
    expect(engine.drain()).toMatchObject({ code: 'RING_BAD_RESPONSE' })
    await Promise.resolve()
    expect(later.settled()).toBe(0)
  })
})
