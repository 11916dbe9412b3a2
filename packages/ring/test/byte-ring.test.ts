import { FlatMemory } from '@split-driver/abi'
import { CountingMemory } from '@split-driver/conformance'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteRing } from '../src/byte-ring.js'
import { type ByteRingView, flexRingView, reversed } from '../src/byte-ring-view.js'
import { consoleRingView } from '../src/console-interface.js'
import { flexRingInterface } from '../src/flex-ring-interface.js'
import { after } from '../src/indices.js'
import { xenstoreRingView } from '../src/xenstore-interface.js'
import { firstIndices, interestingIndices } from './interesting.js'

const flexView = flexRingView(1, flexRingInterface.at)
const views: readonly [string, ByteRingView][] = [
  ['console', consoleRingView],
  ['XenStore', xenstoreRingView],
  ['flexible', flexView],
]

interface Ends {
  readonly front: ByteRing
  readonly back: ByteRing
  readonly indices: FlatMemory
  readonly data: FlatMemory
}

/** Both ends of a ring that has moved `first` bytes each way. */
const endsOf = (view: ByteRingView, first = 0): Ends => {
  const indices = FlatMemory.allocate(4096)
  const data = view === flexView ? FlatMemory.allocate(8192) : indices
  for (const { cons, prod } of [view.reads, view.writes]) {
    indices.store(cons, first)
    indices.store(prod, first)
  }
  return { front: new ByteRing(view, indices, data), back: new ByteRing(reversed(view), indices, data), indices, data }
}

const counting = (length: number, from = 0): Uint8Array => Uint8Array.from({ length }, (_, i) => from + i)

describe.each(views)('the %s ring', (_, view) => {
  const size = view.writes.bytes

  it.each(firstIndices)('what one end writes the other reads, both ways at once, from %i on', (first) => {
    const { front, back } = endsOf(view, first)
    expect([front.write(counting(700)), back.write(counting(300, 9))]).toEqual([700, 300])
    const [atBack, atFront] = [new Uint8Array(1000), new Uint8Array(1000)]
    expect([back.read(atBack), front.read(atFront)]).toEqual([700, 300])
    expect(atBack.subarray(0, 700)).toEqual(counting(700))
    expect(atFront.subarray(0, 300)).toEqual(counting(300, 9))
  })

  it.each(firstIndices)(
    'rule 10: full and empty have equal masked indices and are not confused, from %i on',
    (first) => {
      const { front, back } = endsOf(view, first)
      expect([front.writable(), back.readable()]).toEqual([size, 0])
      expect(front.write(new Uint8Array(size + 1))).toBe(size)
      expect([front.writable(), back.readable()]).toEqual([0, size])
      expect(back.read(new Uint8Array(size + 1))).toBe(size)
      expect([front.writable(), back.readable()]).toEqual([size, 0])
    },
  )

  it('rule 58: a full ring takes no byte and overwrites none', () => {
    const { front, back } = endsOf(view, 2 ** 32 - 7)
    front.write(new Uint8Array(size).fill(1))
    expect(front.write(Uint8Array.of(2))).toBe(0)
    const all = new Uint8Array(size)
    back.read(all)
    expect(new Set(all)).toEqual(new Set([1]))
  })

  it('an index that ran past 2³² is published modulo 2³²', () => {
    const { front, back, indices } = endsOf(view, 2 ** 32 - 2)
    front.write(new Uint8Array(5))
    back.read(new Uint8Array(4))
    expect([indices.load(view.writes.prod) >>> 0, indices.load(view.writes.cons) >>> 0]).toEqual([3, 2])
  })

  it('nothing to do publishes nothing', () => {
    const { front, indices } = endsOf(view, 5)
    expect([front.read(new Uint8Array(9)), front.write(new Uint8Array(0))]).toEqual([0, 0])
    expect([view.reads.cons, view.writes.prod].map((word) => indices.load(word))).toEqual([5, 5])
  })

  it('touches no byte but its own direction’s', () => {
    const { front, data, indices } = endsOf(view)
    const { offset, bytes, prod } = view.writes
    front.write(new Uint8Array(bytes).fill(0xaa))
    for (let byte = 0; byte < data.byteLength; byte++) {
      const inside = byte >= offset && byte < offset + bytes
      const isIndex = data === indices && byte >> 2 === prod
      if (!isIndex) expect(data.load8(byte)).toBe(inside ? 0xaa : 0)
    }
  })

  it('agrees with a queue, whatever the portions', () => {
    const step = fc.record({ write: fc.boolean(), length: fc.nat(size + 10) })
    fc.assert(
      fc.property(fc.constantFrom(...firstIndices), fc.array(step, { maxLength: 12 }), (first, steps) => {
        const { front, back } = endsOf(view, first)
        let written = 0
        let read = 0
        for (const { write, length } of steps) {
          const queued = written - read
          if (write) {
            const count = front.write(counting(length, written))
            expect(count).toBe(Math.min(length, size - queued))
            written += count
          } else {
            const target = new Uint8Array(length)
            const count = back.read(target)
            expect(count).toBe(Math.min(length, queued))
            expect(target.subarray(0, count)).toEqual(counting(count, read))
            read += count
          }
        }
        expect([back.readable(), front.writable()]).toEqual([written - read, size - (written - read)])
      }),
    )
  })

  it.each(interestingIndices)(
    'R2, rules 54 and 58: indices further apart than its size move nothing, from %i on',
    (cons) => {
      for (const apart of [size + 1, 2 ** 31, 2 ** 32 - 1]) {
        const { front, back, indices } = endsOf(view, cons)
        indices.store(view.reads.prod, after(cons, apart))
        indices.store(view.writes.prod, after(cons, apart))
        expect([front.broken, back.broken]).toEqual([true, true])
        expect([front.readable(), front.writable(), back.readable(), back.writable()]).toEqual([0, 0, 0, 0])
        expect([front.read(new Uint8Array(9)), front.write(new Uint8Array(9))]).toEqual([0, 0])
        expect(indices.load(view.reads.cons) >>> 0).toBe(cons)
        expect(indices.load(view.writes.prod)).toBe(after(cons, apart))
      }
    },
  )

  it.each(['reads', 'writes'] as const)(
    '%s alone can be broken, and only until the indices make sense again',
    (which) => {
      const { front, indices } = endsOf(view)
      indices.store(view[which].prod, size * 8)
      expect(front.broken).toBe(true)
      indices.store(view[which].prod, view[which].bytes)
      expect(front.broken).toBe(false)
      expect([front.readable(), front.writable()]).toEqual(which === 'reads' ? [view.reads.bytes, size] : [0, 0])
    },
  )

  it('R1: one read fetches each byte and each index once', () => {
    const { back, indices, data } = endsOf(view, 2 ** 32 - 100)
    back.write(counting(view.reads.bytes))
    const countedIndices = new CountingMemory(indices)
    const countedData = data === indices ? countedIndices : new CountingMemory(data)
    const front = new ByteRing(view, countedIndices, countedData)
    expect(front.read(new Uint8Array(view.reads.bytes))).toBe(view.reads.bytes)
    expect([countedIndices.mostFetched(), countedData.mostFetched()]).toEqual([1, 1])
    countedIndices.reset()
    expect(front.write(counting(view.writes.bytes))).toBe(view.writes.bytes)
    expect(countedIndices.mostFetched()).toBe(1)
  })
})
