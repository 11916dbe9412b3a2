import { ByteLog } from '@split-driver/console'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pattern } from './support/console-pair.js'

describe('a bounded log', () => {
  test('keeps exactly the last bytes, whatever the chunks (model)', () => {
    const chunks = fc.array(fc.nat({ max: 9000 }), { maxLength: 12 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12_000 }), chunks, (limit, lengths) => {
        const log = new ByteLog(limit)
        let model: number[] = []
        let total = 0
        for (const length of lengths) {
          const chunk = pattern(length, total)
          log.append(chunk)
          model = [...model, ...chunk].slice(-limit)
          total += length
          expect(Array.from(log.bytes())).toEqual(model)
          expect([log.start, log.end, log.byteLength]).toEqual([total - model.length, total, model.length])
          expect(log.capacityBytes).toBeLessThanOrEqual(limit)
        }
      }),
      { numRuns: 100 },
    )
  })

  test('copies from any position; one that was dropped counts as the oldest that is kept', () => {
    const log = new ByteLog(4)
    log.append(Uint8Array.of(1, 2, 3, 4, 5, 6))
    const target = new Uint8Array(3)
    expect(log.copy(0, target)).toBe(3)
    expect([...target]).toEqual([3, 4, 5])
    expect(log.copy(5, target)).toBe(1)
    expect(target[0]).toBe(6)
    expect(log.copy(6, target)).toBe(0)
    expect(log.copy(1000, target)).toBe(0)
  })

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'a log of %s bytes is the caller’s mistake',
    (limit) => {
      expect(() => new ByteLog(limit)).toThrow(RangeError)
    },
  )

  test('a log that is hardly used takes hardly any memory, whatever its limit', () => {
    const log = new ByteLog(2 ** 30)
    log.append(new Uint8Array(5000))
    expect(log.capacityBytes).toBe(8192)
  })
})
