import { FlatMemory, type GrantStatusCode, PAGE_WORDS } from '@split-driver/abi'
import { BlkifOp, X86_32_ABI, X86_64_ABI } from '@split-driver/blkif'
import { describe, expect, test } from 'vitest'
import { engineBench } from '../fakes/engine-bench.js'

const { Read, Write } = BlkifOp

describe.each([X86_64_ABI, X86_32_ABI])('R1: $protocol', (abi) => {
  test('no byte of a request is fetched twice, and a change after its fetch changes nothing', () => {
    const { frontend, engine, pages, disk } = engineBench({ abi })
    const before = disk.slice()
    const fetched = new Uint8Array(PAGE_WORDS)
    const { copyOut, load, load8, load16, bytes } = FlatMemory.prototype
    const once = (word: number) => {
      fetched[word]!++
      // The guest rewrites what was just read: were it read again, this write would hit sector 0xffff….
      frontend.memory.store(word, -1)
    }
    frontend.memory.copyOut = function (word, count, target, at) {
      copyOut.call(this, word, count, target, at)
      for (let i = 0; i < count; i++) once(word + i)
    }
    const never = () => {
      throw new Error('a request was read in place')
    }
    Object.assign(frontend.memory, { load: never, load8: never, load16: never, bytes: never })
    frontend.send({ operation: Write, id: 5n, sector_number: 3n, seg: pages(11) })
    expect(engine.serve(100)).toBe('idle')
    Object.assign(frontend.memory, { copyOut, load, load8, load16, bytes })
    expect(Math.max(...fetched)).toBe(1)
    expect(frontend.responses()).toEqual([{ id: 5n, operation: Write, status: 0 }])
    expect(disk.slice(0, 3 * 512)).toEqual(before.slice(0, 3 * 512))
    expect(disk.slice(3 * 512, 91 * 512).every((byte) => byte === 0)).toBe(true)
    expect(disk.slice(91 * 512)).toEqual(before.slice(91 * 512))
  })

  test.each([12, 255])('rule 20: of a request that claims %i segments only the header is fetched', (nr_segments) => {
    const { frontend, engine, pages } = engineBench({ abi })
    const fetched: [number, number][] = []
    const { copyOut } = FlatMemory.prototype
    frontend.memory.copyOut = function (word, count, target, at) {
      fetched.push([word, count])
      copyOut.call(this, word, count, target, at)
    }
    frontend.send({ operation: Write, seg: pages(11), nr_segments })
    engine.serve(100)
    expect(fetched).toEqual([[16, abi.request.at.seg.word]])
  })

  test('R3: only the eleven bytes of a response change, whatever the slot holds', () => {
    const { frontend, engine, pages } = engineBench({ abi })
    const words = abi.request.create({ operation: Read, nr_segments: 1, id: 0x0102030405060708n, seg: pages(1) })
    const slot = frontend.ring.slotWord(0)
    frontend.memory.bytes(slot * 4, abi.slotBytes).fill(0xdd)
    frontend.ring.putRequest(words, 0, abi.request.at.seg.wordOf(1))
    frontend.ring.pushRequests()
    const expected = frontend.memory.bytes(slot * 4, abi.slotBytes).slice()
    expected.set([8, 7, 6, 5, 4, 3, 2, 1, Read])
    expected.set([0, 0], 10)
    const rest = frontend.memory.bytes(slot * 4 + abi.slotBytes, 4096 - slot * 4 - abi.slotBytes).slice()
    engine.serve(100)
    expect(frontend.memory.bytes(slot * 4, abi.slotBytes)).toEqual(expected)
    expect(frontend.memory.bytes(slot * 4 + abi.slotBytes, rest.length)).toEqual(rest)
  })
})

describe('R2: an impossible producer breaks the ring for good', () => {
  test.each([33, 64, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 2, 2 ** 32 - 1])('req_prod %i', (reqProd) => {
    const { frontend, engine, pages, notifications, stats } = engineBench()
    frontend.memory.storeOrdered(0, reqProd)
    expect(engine.serve(1000)).toBe('broken')
    expect(engine.serve(1000)).toBe('broken')
    frontend.memory.storeOrdered(0, 0)
    frontend.send({ operation: Read, seg: pages(1) })
    expect(engine.serve(1000)).toBe('broken')
    expect(notifications()).toBe(0)
    expect(stats.reads).toBe(0)
  })

  test('backwards, after requests were taken', () => {
    const { frontend, engine, pages } = engineBench()
    frontend.send({ operation: Read, seg: pages(1) }, { operation: Read, seg: pages(1) })
    expect(engine.serve(100)).toBe('idle')
    frontend.memory.storeOrdered(0, 1)
    expect(engine.serve(100)).toBe('broken')
  })
})

const GNTST: readonly GrantStatusCode[] = [
  'GNTST_general_error',
  'GNTST_bad_domain',
  'GNTST_bad_gntref',
  'GNTST_bad_handle',
  'GNTST_bad_virt_addr',
  'GNTST_bad_dev_addr',
  'GNTST_no_device_space',
  'GNTST_permission_denied',
  'GNTST_bad_page',
  'GNTST_bad_copy_arg',
  'GNTST_address_too_big',
  'GNTST_eagain',
  'GNTST_no_space',
]

describe('B1: grant k of n fails to map', () => {
  test.each(GNTST)('%s: one error response, no mapping left, the next request is served', (code) => {
    const { frontend, engine, pages, grants } = engineBench()
    const seg = pages(11)
    for (let count = 1; count <= 11; count++) {
      for (let index = 0; index < count; index++) {
        grants.failMapping = { index, code }
        frontend.send({ operation: Read, id: 9n, seg: seg.slice(0, count) })
        engine.serve(100)
        expect(frontend.responses()).toEqual([{ id: 9n, operation: Read, status: -1 }])
        expect(grants.live.size).toBe(0)
      }
    }
    grants.failMapping = undefined
    frontend.send({ operation: Read, id: 10n, seg })
    engine.serve(100)
    expect(frontend.responses()).toEqual([{ id: 10n, operation: Read, status: 0 }])
  })
})
