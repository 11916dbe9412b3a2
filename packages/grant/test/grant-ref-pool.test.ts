import { type GrantRef, XenError } from '@split-driver/abi'
import { GrantRefPool } from '@split-driver/grant'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

describe('GrantRefPool', () => {
  it('rule 67: references 0 to 7 are never handed out', () => {
    const pool = new GrantRefPool(12)
    expect([pool.claim(), pool.claim(), pool.claim(), pool.claim()].sort((a, b) => a - b)).toEqual([8, 9, 10, 11])
    expect(() => pool.claim()).toThrow(expect.objectContaining({ code: 'ENOSPC' }))
    expect(() => pool.release(0 as GrantRef)).toThrow(RangeError)
    expect(new GrantRefPool(0).available).toBe(0)
  })

  it('the newest released reference is claimed first', () => {
    const pool = new GrantRefPool(20)
    const [a, b, c] = [pool.claim(), pool.claim(), pool.claim()]
    pool.release(b)
    pool.release(a)
    expect([pool.claim(), pool.claim()]).toEqual([a, b])
    expect(pool.claimedCount).toBe(3)
    expect(c).not.toBe(a)
  })

  it.each([7, 9, 100, -1, 2 ** 32])('a reference that is not claimed (%i) cannot be released', (ref) => {
    const pool = new GrantRefPool(16)
    pool.claim()
    expect(() => pool.release(ref as GrantRef)).toThrow(RangeError)
  })

  it('grows until as many as asked can be claimed, or says that it cannot', () => {
    let frames = 1
    const pool = new GrantRefPool(10, () => (frames++ < 3 ? 2 : 0))
    expect(pool.reserve(2)).toBe(true)
    expect(frames).toBe(1)
    expect(pool.reserve(5)).toBe(true)
    expect(pool.available).toBe(6)
    expect(pool.reserve(7)).toBe(false)
  })

  it('grows when none is left, until the table cannot', () => {
    let frames = 1
    const pool = new GrantRefPool(10, () => (frames++ < 3 ? 2 : 0))
    const claimed = Array.from({ length: 6 }, () => pool.claim())
    expect(claimed).toEqual([8, 9, 10, 11, 12, 13])
    expect(() => pool.claim()).toThrow(XenError)
    pool.release(claimed[5]!)
    expect(pool.claim()).toBe(13)
  })

  it('E3: any sequence of claims and releases equals a model; no reference has two owners', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), (acts) => {
        const pool = new GrantRefPool(16)
        const owned: GrantRef[] = []
        for (const act of acts) {
          if (act > 9 && owned.length > 0) pool.release(owned.splice(act % owned.length, 1)[0]!)
          else if (pool.available > 0) owned.push(pool.claim())
          expect(new Set(owned).size).toBe(owned.length)
          expect(pool.claimedCount).toBe(owned.length)
          expect(pool.available).toBe(8 - owned.length)
        }
      }),
    )
  })
})
