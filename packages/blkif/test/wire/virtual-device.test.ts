import { virtualDeviceName, virtualDeviceNumber } from '@split-driver/blkif'
import { describe, expect, test } from 'vitest'

/** From xen-vbd-interface(7), its own examples and the ends of each encoding. */
const NUMBERS: readonly (readonly [string, number])[] = [
  ['xvda', 51712],
  ['xvda1', 51713],
  ['xvdb2', (202 << 8) | (1 << 4) | 2],
  ['xvdp15', (202 << 8) | (15 << 4) | 15],
  ['xvda16', (1 << 28) | 16],
  ['xvdq', (1 << 28) | (16 << 8)],
  ['xvdz', (1 << 28) | (25 << 8)],
  ['xvdaa', (1 << 28) | (26 << 8)],
  ['xvdtq37', (1 << 28) | (536 << 8) | 37],
  ['xvdzz', (1 << 28) | (701 << 8)],
  ['xvdaaa', (1 << 28) | (702 << 8)],
  ['xvda255', (1 << 28) | 255],
  ['sdb3', (8 << 8) | (1 << 4) | 3],
  ['hda', 768],
  ['hdb63', (3 << 8) | (1 << 6) | 63],
  ['hdc2', (22 << 8) | 2],
  ['hdd', (22 << 8) | (1 << 6)],
]

describe('xen-vbd-interface(7): concrete encoding', () => {
  test.each(NUMBERS)('%s is %i', (name, number) => {
    expect(virtualDeviceNumber(name)).toBe(number)
    expect(virtualDeviceName(number)).toBe(name)
  })

  test('every disk of the extended encoding comes back as it went', () => {
    for (let disk = 16; disk < 1 << 20; disk += 997) {
      const number = 2 ** 28 + disk * 256
      expect(virtualDeviceNumber(virtualDeviceName(number)!)).toBe(number)
    }
  })

  test.each([
    '',
    'xvd',
    'xvdA',
    'xvda0',
    'xvda256',
    'xvda01',
    'hde',
    'hda64',
    'sdq',
    'sda16',
    'vda',
    '51712',
    'xvdzzzzz',
  ])("'%s' is refused", (name) => {
    expect(() => virtualDeviceNumber(name)).toThrow(RangeError)
  })

  test.each([-1, 0, 51711.5, 2 ** 29, 2 ** 28 * 2 - 0.5, Number.NaN])('%d names no disk', (number) => {
    expect(virtualDeviceName(number)).toBeUndefined()
  })
})
