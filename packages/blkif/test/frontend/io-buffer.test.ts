import type { Domid } from '@split-driver/abi'
import { BlkifOp, IoBuffer } from '@split-driver/blkif'
import { expect, test } from 'vitest'
import { BACKEND, type FrontendBenchOptions, frontendBench } from '../fakes/frontend-bench.js'

const { Read, Write } = BlkifOp
const PAGE = 4096

const bench = (byteLength: number, options: FrontendBenchOptions = {}) => {
  const made = frontendBench(options)
  const buffer = IoBuffer.grant(made.grants, BACKEND, byteLength)
  const [own] = [...made.grants.shared]
  const start = (operation: BlkifOp, ioBuffer: IoBuffer, signal?: AbortSignal) =>
    made.engine.transfer({
      operation,
      sectorNumber: 0,
      buffers: [ioBuffer.bytes],
      byteLength: ioBuffer.byteLength,
      ioBuffer,
      signal,
    })
  return { ...made, buffer, own: own!, start }
}

test('its own pages are named, and nothing is copied', async () => {
  const { buffer, own, start, requests, respond, engine, grants } = bench(3 * PAGE)
  const written = start(Write, buffer)
  const [request] = requests()
  expect(request!.seg.map(({ gref }) => gref)).toEqual(own.refs)
  buffer.bytes[5] = 77
  expect(grants.pageBytes(own.refs[0]!)[5]).toBe(77)
  expect(grants.shared.size).toBe(1)
  respond({ id: request!.id, operation: Write, status: 0 })
  expect(engine.drain()).toBeUndefined()
  await written
})

test('a part begins in the midst of a page', async () => {
  const { buffer, own, start, requests, respond, engine, grants } = bench(3 * PAGE)
  const part = buffer.subarray(PAGE + 1024, 2 * PAGE + 512)
  const read = start(Read, part)
  const [request] = requests()
  expect(request!.seg).toEqual([
    { gref: own.refs[1], first_sect: 2, last_sect: 7 },
    { gref: own.refs[2], first_sect: 0, last_sect: 0 },
  ])
  grants.pageBytes(own.refs[2]!)[511] = 9
  respond({ id: request!.id, operation: Read, status: 0 })
  engine.drain()
  await read
  expect(part.bytes.at(-1)).toBe(9)
  expect(part.subarray(512).offset).toBe(PAGE + 1536)
})

test('what is longer than a request is split at pages, with descriptors from the pool', () => {
  const { buffer, own, start, indirectRequests } = bench(40 * PAGE, { maxSegments: 20 })
  void start(Read, buffer.subarray(512, 38 * PAGE + 512))
  const sent = indirectRequests()
  expect(sent.map(({ nr_segments, sector_number }) => [nr_segments, sector_number])).toEqual([
    [20, 0n],
    [19, 20n * 8n - 1n],
  ])
  expect(sent.flatMap(({ seg }) => seg.map(({ gref }) => gref))).toEqual(own.refs.slice(0, 39))
})

test.each([
  ['begins within a sector', (buffer: IoBuffer) => buffer.subarray(1, 513)],
  ['is private', () => IoBuffer.private(512)],
])('one that %s is copied', async (_, of) => {
  const { buffer, own, start, requests, grants } = bench(PAGE)
  const part = of(buffer)
  part.bytes.fill(3)
  void start(Write, part)
  const [request] = requests()
  expect(own.refs).not.toContain(request!.seg[0]!.gref)
  expect(grants.pageBytes(request!.seg[0]!.gref)[511]).toBe(3)
})

test('one that is granted to another domain is copied', () => {
  const { own, start, requests, grants } = bench(PAGE)
  const other = IoBuffer.grant(grants, (BACKEND + 1) as Domid, 512)
  void start(Write, other)
  const [request] = requests()
  expect([...grants.shared].find(({ refs }) => refs.includes(request!.seg[0]!.gref as never))!.remoteDomid).toBe(
    BACKEND,
  )
  expect(own.refs).not.toContain(request!.seg[0]!.gref)
})

test('its pages stay while a request names them, whoever gave up', async () => {
  const { buffer, own, start, requests, respond, engine, grants } = bench(PAGE)
  const controller = new AbortController()
  const given = start(Read, buffer, controller.signal)
  const [request] = requests()
  buffer[Symbol.dispose]()
  buffer[Symbol.dispose]()
  controller.abort()
  await expect(given).rejects.toMatchObject({ code: 'ABORTED' })
  expect([buffer.isDisposed, grants.shared.has(own)]).toEqual([true, true])
  respond({ id: request!.id, operation: Read, status: 0 })
  expect(engine.drain()).toBeUndefined()
  expect(grants.shared.has(own)).toBe(false)
})

test('its pages stay while a transfer waits for a slot, and go when the device closes', async () => {
  const { buffer, own, start, engine, grants } = bench(PAGE)
  const calls = Array.from({ length: 40 }, () => start(Read, buffer).catch((error) => error.code))
  buffer[Symbol.dispose]()
  expect(grants.shared.has(own)).toBe(true)
  engine.close(Object.assign(new Error('over'), { code: 'CLOSED' }) as never)
  expect(await Promise.all(calls)).toEqual(Array(40).fill('CLOSED'))
  expect(grants.shared.has(own)).toBe(false)
})
