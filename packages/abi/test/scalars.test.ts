import { DOMID_SELF, domid, frameNumber, grantRef, port } from '@split-driver/abi'
import { describe, expect, it } from 'vitest'

describe.each([
  ['domid', domid, [0, 1, 0x7fef, DOMID_SELF], [0x7ff1, 0x7fff, 0x8000]],
  ['rule 61: port', port, [1, 4095, 4096, 131_071], [0, 131_072]],
  ['grantRef', grantRef, [0, 8, 2 ** 31, 2 ** 32 - 1], [2 ** 32]],
  ['frameNumber', frameNumber, [0, 2 ** 31, 2 ** 32 - 1], [2 ** 32]],
] as const)('%s', (_, make, good, bad) => {
  it.each(good)('takes %d', (value) => {
    expect(make(value)).toBe(value)
  })

  it.each([...bad, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses %d', (value) => {
    expect(() => make(value)).toThrow(RangeError)
  })
})
