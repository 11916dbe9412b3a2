import { FlatMemory, PAGE_BYTES, type SharedMemory } from '@split-driver/abi'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameMemory } from '../../src/memory/frame-memory.js'
import { MachineMemory } from '../../src/memory/machine-memory.js'
import { PageAllocator } from '../../src/memory/page-allocator.js'
import { ScatteredMemory } from '../../src/memory/scattered-memory.js'

const PAGES = 3
const machine = () => MachineMemory.create({ memoryMiB: 1, maxDomains: 1 })

/** The same three zeroed pages in three forms. */
const forms = (): [string, SharedMemory][] => {
  const memory = machine()
  const page = (frame: number) => new FrameMemory(memory, frame, 1, 'writable')
  return [
    ['side by side', new FrameMemory(memory, 100, PAGES, 'writable')],
    ['scattered', new ScatteredMemory([page(130), page(120), page(140)])],
  ]
}

const word = fc.integer({ min: 0, max: (PAGES * PAGE_BYTES) / 4 - 1 })
const value = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })

/** One access, and what it answers. */
const access: fc.Arbitrary<(memory: SharedMemory) => unknown> = fc
  .tuple(fc.integer({ min: 0, max: 12 }), word, value, value)
  .map(([kind, at, a, b]) => (memory) => {
    switch (kind) {
      case 0:
        return memory.store(at, a)
      case 1:
        return memory.store16(at, a & 0xffff)
      case 2:
        return memory.store8(at, a & 0xff)
      case 3:
        return memory.storeOrdered(at, a)
      case 4:
        return memory.compareExchange(at, memory.load(at) ^ (b & 1), a)
      case 5:
        return memory.exchange(at, a)
      case 6:
        return memory.or(at, a)
      case 7:
        return memory.and(at, a)
      case 8:
        return memory.exchange8(at, a & 0xff)
      case 9:
        return memory.compareExchange16(at, memory.load16(at), a & 0xffff)
      case 10: {
        const count = Math.min(40, memory.byteLength / 4 - at)
        memory.copyIn(at, new Int32Array(count).fill(a), 0, count)
        return [memory.load(at), memory.load16(at * 2 + 1), memory.load8(at * 4 + 3), memory.loadOrdered(at)]
      }
      case 11: {
        const out = new Int32Array(8)
        memory.copyOut(Math.min(at, memory.byteLength / 4 - 8), 8, out, 0)
        return [...out]
      }
      default:
        memory.mutableBytes(at & ~7, 8).fill(a & 0xff)
        return [...memory.bytes(at & ~7, 8)]
    }
  })

describe('pages of the machine', () => {
  test('answer like flat memory, side by side or scattered', () => {
    fc.assert(
      fc.property(fc.array(access, { maxLength: 40 }), (accesses) => {
        const flat = FlatMemory.allocate(PAGES * PAGE_BYTES)
        const expected = accesses.map((one) => one(flat))
        for (const [, memory] of forms()) expect(accesses.map((one) => one(memory))).toEqual(expected)
      }),
      { numRuns: 200 },
    )
  })

  test.each(['store', 'store16', 'store8', 'storeOrdered', 'exchange', 'or', 'and', 'exchange8'] as const)(
    'a read-only mapping refuses %s',
    (name) => {
      const memory = new FrameMemory(machine(), 100, 1, 'read-only')
      expect(() => memory[name](3, 1)).toThrow(/READ_ONLY_MAPPING/)
      expect(memory.load(3)).toBe(0)
    },
  )

  test('nothing reaches beyond the pages, on either side', () => {
    for (const [, memory] of forms()) {
      for (const at of [-1, PAGES * 1024, PAGES * 1024 + 1, 2 ** 29]) {
        expect(() => memory.load(at)).toThrow(RangeError)
        expect(() => memory.store(at, 1)).toThrow(RangeError)
        expect(() => memory.copyOut(at, 1, new Int32Array(1), 0)).toThrow(RangeError)
      }
      expect(() => memory.bytes(PAGES * PAGE_BYTES - 1, 2)).toThrow(RangeError)
    }
  })

  test('after the end of the mapping every access fails', () => {
    const memory = new FrameMemory(machine(), 100, 1, 'writable')
    memory.invalidate()
    const accesses = [() => memory.load(0), () => memory.store8(0, 1), () => memory.bytes(0, 1), () => memory.or(0, 1)]
    for (const one of accesses) expect(one).toThrow(/USE_AFTER_UNMAP/)
  })
})

describe('the machine', () => {
  test('sizes that cannot be are refused by name', () => {
    expect(() => MachineMemory.create({ memoryMiB: 0 })).toThrow(/memoryMiB/)
    expect(() => MachineMemory.create({ memoryMiB: 1.3 })).toThrow(/memoryMiB/)
    expect(() => MachineMemory.create({ maxDomains: 0 })).toThrow(/maxDomains/)
    expect(() => MachineMemory.create({ memoryMiB: 1, maxDomains: 30_000 })).toThrow(/cannot hold the tables/)
    expect(() => MachineMemory.open(new SharedArrayBuffer(8192))).toThrow(/no emulated machine/)
  })
})

describe('a domain’s pages', () => {
  test('runs are found again after they were freed; a page is freed once', () => {
    const pages = new PageAllocator(50, 8)
    expect([pages.allocate(3), pages.allocate(4)]).toEqual([50, 53])
    expect(() => pages.allocate(2)).toThrow(/ENOMEM/)
    for (const frame of [51, 52, 53]) pages.free(frame)
    expect(pages.allocate(3)).toBe(51)
    expect(pages.freePages).toBe(1)
    expect(() => pages.free(57)).toThrow(RangeError)
    expect(() => pages.free(49)).toThrow(RangeError)
  })
})
