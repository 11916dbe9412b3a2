import { XenError } from '@split-driver/abi'
import { BlkifOp, type TransferRequest, X86_32_ABI, X86_64_ABI } from '@split-driver/blkif'
import { describe, expect, test } from 'vitest'
import { frontendBench } from '../fakes/frontend-bench.js'

const { Read, Write, FlushDiskcache } = BlkifOp

const read = (sectorNumber: number, target: Uint8Array, signal?: AbortSignal): TransferRequest => ({
  operation: Read,
  sectorNumber,
  buffers: [target],
  byteLength: target.length,
  signal,
})
const write = (sectorNumber: number, ...sources: readonly Uint8Array[]): TransferRequest => ({
  operation: Write,
  sectorNumber,
  buffers: sources,
  byteLength: sources.reduce((total, source) => total + source.length, 0),
})
const FLUSH: TransferRequest = { operation: FlushDiskcache, sectorNumber: 0, buffers: [], byteLength: 0 }

/** Settled or not, without waiting. */
const outcome = (promise: Promise<void>) => {
  const seen: { state: 'pending' | 'done' | string } = { state: 'pending' }
  promise.then(
    () => {
      seen.state = 'done'
    },
    (error: unknown) => {
      seen.state = XenError.is(error) ? error.code : String(error)
    },
  )
  return seen
}
const turns = async () => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

describe.each([X86_64_ABI, X86_32_ABI])('rule 13: in $protocol', (abi) => {
  test('a request names whole pages, the last one as far as it is used', () => {
    const { engine, requests, grants } = frontendBench({ abi })
    void engine.transfer(write(7, new Uint8Array(4096 + 1536).fill(5)))
    const [request] = requests()
    const [pages] = [...grants.shared]
    expect(request).toMatchObject({ operation: Write, nr_segments: 2, handle: 0xca00, sector_number: 7n })
    expect(request!.seg).toEqual([
      { gref: pages!.refs[0], first_sect: 0, last_sect: 7 },
      { gref: pages!.refs[1], first_sect: 0, last_sect: 2 },
    ])
    expect(pages!.access).toBe('writable')
    const bytes = pages!.memory.bytes(0, 8192)
    expect([bytes[0], bytes[5631], bytes[5632]]).toEqual([5, 5, 0])
  })
})

describe('rule 16: splitting', () => {
  /** Sectors → segments of each request. */
  const SPLITS: readonly (readonly [number, readonly number[]])[] = [
    [1, [1]],
    [7, [1]],
    [8, [1]],
    [9, [2]],
    [87, [11]],
    [88, [11]],
    [89, [11, 1]],
    [96, [11, 1]],
    [97, [11, 2]],
    [176, [11, 11]],
    [177, [11, 11, 1]],
  ]
  test.each(SPLITS)('%i sectors become requests of %j segments', (sectors, segments) => {
    const { engine, requests } = frontendBench()
    void engine.transfer(read(1000, new Uint8Array(sectors * 512)))
    const sent = requests()
    expect(sent.map(({ nr_segments }) => nr_segments)).toEqual(segments)
    expect(sent.map(({ sector_number }) => Number(sector_number))).toEqual(segments.map((_, i) => 1000 + i * 88))
    const named = sent.flatMap(({ seg }) => seg.map(({ last_sect, first_sect }) => last_sect - first_sect + 1))
    expect(named.reduce((a, b) => a + b)).toBe(sectors)
  })

  test('no request splits a logical sector, however large', () => {
    const { engine, requests } = frontendBench({ sectorBytes: 16384 })
    void engine.transfer(read(0, new Uint8Array(65536)))
    expect(requests().map(({ sector_number, nr_segments }) => [Number(sector_number), nr_segments])).toEqual([
      [0, 8],
      [64, 8],
    ])
  })

  test('the pieces of a scatter list cross pages and requests as they like', async () => {
    const { engine, requests, respond, grants } = frontendBench()
    const all = Uint8Array.from({ length: 96 * 512 }, (_, i) => i * 7)
    const cuts = [0, 1, 513, 4096, 4097, 45055, 45057, 49152]
    const pieces = cuts.slice(1).map((end, i) => all.subarray(cuts[i], end))
    const written = engine.transfer(write(0, ...pieces))
    const [a, b] = requests()
    const seen = [...grants.shared].map(({ memory }) => memory.bytes(0, 45056))
    expect(seen[0]!.slice()).toEqual(all.slice(0, 45056))
    expect(seen[1]!.slice(0, 4096)).toEqual(all.slice(45056))
    respond({ id: b!.id, operation: Write, status: 0 }, { id: a!.id, operation: Write, status: 0 })
    expect(engine.drain()).toBeUndefined()
    await written

    const targets = cuts.slice(1).map((end, i) => new Uint8Array(end - cuts[i]!))
    const got = engine.transfer({ operation: Read, sectorNumber: 0, buffers: targets, byteLength: all.length })
    const [c, d] = requests()
    const pagesOf = (ref: number) => [...grants.shared].find(({ refs }) => refs[0] === ref)!.memory
    pagesOf(c!.seg[0]!.gref).mutableBytes(0, 45056).set(all.subarray(0, 45056))
    pagesOf(d!.seg[0]!.gref).mutableBytes(0, 4096).set(all.subarray(45056))
    respond({ id: d!.id, operation: Read, status: 0 }, { id: c!.id, operation: Read, status: 0 })
    engine.drain()
    await got
    expect(targets).toEqual(pieces.map((piece) => piece.slice()))
  })
})

describe('when the ring is full', () => {
  test('calls wait in their order, and go on as responses come', async () => {
    const { engine, requests, respond, notifications } = frontendBench()
    const calls = Array.from({ length: 40 }, (_, i) => outcome(engine.transfer(read(i, new Uint8Array(512)))))
    const first = requests()
    expect(first.map(({ sector_number }) => Number(sector_number))).toEqual(Array.from({ length: 32 }, (_, i) => i))
    expect(notifications()).toBe(1)
    respond(...first.slice(0, 3).map(({ id }) => ({ id, operation: Read, status: 0 })))
    expect(engine.drain()).toBeUndefined()
    await turns()
    expect(calls.slice(0, 4).map(({ state }) => state)).toEqual(['done', 'done', 'done', 'pending'])
    expect(requests().map(({ sector_number }) => Number(sector_number))).toEqual([32, 33, 34])
  })

  test('rule 22: pages that were used last are used first', async () => {
    const { engine, requests, respond, grants } = frontendBench()
    for (let round = 0; round < 100; round++) {
      const done = engine.transfer(read(0, new Uint8Array(4096)))
      respond({ id: requests()[0]!.id, operation: Read, status: 0 })
      engine.drain()
      await done
    }
    expect(grants.shared.size).toBe(1)
  })

  test.each([{ freePages: 25 }, { dataPages: 32 }])('with %j, calls wait for pages', async (few) => {
    const { engine, requests, respond } = frontendBench(few)
    const calls = Array.from({ length: 6 }, (_, i) =>
      outcome(engine.transfer(i === 4 ? FLUSH : read(i, new Uint8Array(45056)))),
    )
    for (const count of [2, 3, 1]) {
      const sent = requests()
      expect(sent.length).toBe(count)
      respond(...sent.map(({ id, operation }) => ({ id, operation, status: 0 })))
      expect(engine.drain()).toBeUndefined()
    }
    await turns()
    expect(calls.map(({ state }) => state)).toEqual(Array(6).fill('done'))
  })

  test.each([1, 2, 5, 10])('with %i free pages, requests are as short as that', async (freePages) => {
    const { engine, requests, respond } = frontendBench({ freePages })
    const call = outcome(engine.transfer(read(0, new Uint8Array(45056))))
    const segments: number[] = []
    for (let sent = requests(); sent.length > 0; sent = requests()) {
      segments.push(...sent.map(({ nr_segments }) => nr_segments))
      respond(...sent.map(({ id }) => ({ id, operation: Read, status: 0 })))
      expect(engine.drain()).toBeUndefined()
    }
    await turns()
    expect(call.state).toBe('done')
    expect(segments.reduce((a, b) => a + b)).toBe(11)
    expect(Math.max(...segments)).toBe(freePages)
  })

  test.each([
    [0, 512],
    [3, 16384],
  ])('with %i free pages for a sector of %i bytes: ENOSPC', async (freePages, sectorBytes) => {
    const { engine } = frontendBench({ freePages, sectorBytes })
    for (let round = 0; round < 2; round++)
      await expect(engine.transfer(read(0, new Uint8Array(sectorBytes)))).rejects.toMatchObject({ code: 'ENOSPC' })
  })
})

describe('ring.h: notifications', () => {
  test('are sent when the backend asked for them, and counted when it did not', () => {
    const { engine, notifications, requests, sleep, stats } = frontendBench()
    void engine.transfer(read(0, new Uint8Array(512)))
    void engine.transfer(read(0, new Uint8Array(512)))
    expect(notifications()).toBe(1)
    requests()
    sleep()
    void engine.transfer(read(0, new Uint8Array(512)))
    expect(notifications()).toBe(2)
    expect(stats).toMatchObject({ reads: 3, notificationsSent: 2, notificationsSaved: 1 })
  })
})

describe('a request that fails', () => {
  test('rejects its call once all its requests are answered; what was not sent is not sent', async () => {
    const { engine, requests, respond, failed } = frontendBench()
    const call = outcome(engine.transfer(read(0, new Uint8Array(45056 * 40))))
    const sent = requests()
    respond({ id: sent[3]!.id, operation: Read, status: -1 })
    engine.drain()
    await turns()
    expect([call.state, requests().length]).toEqual(['pending', 0])
    respond(...sent.filter((_, i) => i !== 3).map(({ id }) => ({ id, operation: Read, status: 0 })))
    engine.drain()
    await turns()
    expect(call.state).toBe('EIO')
    expect(failed).toEqual([[Read, -1]])
  })

  test('−2 is EOPNOTSUPP', async () => {
    const { engine, requests, respond, failed } = frontendBench()
    const call = outcome(engine.transfer(FLUSH))
    const [flush] = requests()
    expect(flush).toMatchObject({ operation: FlushDiskcache, nr_segments: 0 })
    respond({ id: flush!.id, operation: FlushDiskcache, status: -2 })
    engine.drain()
    await turns()
    expect(call.state).toBe('EOPNOTSUPP')
    expect(failed).toEqual([[FlushDiskcache, -2]])
  })
})

describe('AbortSignal', () => {
  test('gives up what is on the ring: the pages stay until the response, the target is not touched', async () => {
    const { engine, requests, respond, grants } = frontendBench()
    const controller = new AbortController()
    const target = new Uint8Array(512).fill(0xee)
    const call = outcome(engine.transfer(read(0, target, controller.signal)))
    const [given] = requests()
    controller.abort()
    await turns()
    expect(call.state).toBe('ABORTED')
    void engine.transfer(read(1, new Uint8Array(512)))
    const [next] = requests()
    expect(next!.seg[0]!.gref).not.toBe(given!.seg[0]!.gref)
    grants.pageBytes(given!.seg[0]!.gref).fill(1)
    respond({ id: given!.id, operation: Read, status: 0 })
    expect(engine.drain()).toBeUndefined()
    expect(target.every((byte) => byte === 0xee)).toBe(true)
    void engine.transfer(read(2, new Uint8Array(512)))
    expect(requests()[0]!.seg[0]!.gref).toBe(given!.seg[0]!.gref)
  })

  test('gives up what waits: it is never sent, and others move up', async () => {
    const { engine, requests, respond } = frontendBench()
    const controller = new AbortController()
    for (let i = 0; i < 32; i++) void engine.transfer(read(i, new Uint8Array(512)))
    const given = outcome(engine.transfer(read(100, new Uint8Array(512), controller.signal)))
    void engine.transfer(read(101, new Uint8Array(512)))
    controller.abort()
    const sent = requests()
    respond(...sent.map(({ id }) => ({ id, operation: Read, status: 0 })))
    engine.drain()
    await turns()
    expect(given.state).toBe('ABORTED')
    expect(requests().map(({ sector_number }) => Number(sector_number))).toEqual([101])
  })

  test('that is aborted already sends nothing', async () => {
    const { engine, requests } = frontendBench()
    const call = outcome(engine.transfer(read(0, new Uint8Array(512), AbortSignal.abort())))
    await turns()
    expect([call.state, requests().length]).toEqual(['ABORTED', 0])
  })
})

describe('the end', () => {
  test('close rejects what is outstanding, what waits and what comes; pages go back', async () => {
    const { engine, grants } = frontendBench()
    const calls = Array.from({ length: 40 }, (_, i) => outcome(engine.transfer(read(i, new Uint8Array(512)))))
    engine.close(new XenError('CLOSED', 'over'))
    engine.close(new XenError('EIO', 'a second reason'))
    engine.unshare()
    calls.push(outcome(engine.transfer(read(0, new Uint8Array(512)))))
    await turns()
    expect(calls.map(({ state }) => state)).toEqual(Array(41).fill('CLOSED'))
    expect(grants.shared.size).toBe(0)
  })

  test('finish lets what is under way come to its end and takes no more', async () => {
    const { engine, requests, respond } = frontendBench()
    const under = outcome(engine.transfer(read(0, new Uint8Array(512))))
    const finished = outcome(engine.finish(new XenError('CLOSED', 'over')))
    const late = outcome(engine.transfer(read(0, new Uint8Array(512))))
    await turns()
    expect([under.state, finished.state, late.state]).toEqual(['pending', 'pending', 'CLOSED'])
    respond({ id: requests()[0]!.id, operation: Read, status: 0 })
    engine.drain()
    await turns()
    expect([under.state, finished.state]).toEqual(['done', 'done'])
  })

  test('finish with nothing under way is done at once', async () => {
    await frontendBench().engine.finish(new XenError('CLOSED', 'over'))
  })
})
