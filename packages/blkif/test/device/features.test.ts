import { BlkifFrontend, X86_32_ABI, X86_64_ABI } from '@split-driver/blkif'
import { describe, expect, test } from 'vitest'
import { patternDisk } from '../fakes/engine-bench.js'
import { DiskHost } from './emulated-disk.js'

const SECTORS = 1024

/** Each feature on and off at both ends; every pair of settings occurs. */
const SETTINGS = [
  { maxSegments: 11, maxIndirectSegments: 0, persistentPages: 0, abi: X86_64_ABI, trusted: '1' },
  { maxSegments: 11, maxIndirectSegments: 256, persistentPages: 1056, abi: X86_32_ABI, trusted: '0' },
  { maxSegments: 32, maxIndirectSegments: 0, persistentPages: 1056, abi: X86_64_ABI, trusted: '0' },
  { maxSegments: 32, maxIndirectSegments: 20, persistentPages: 0, abi: X86_32_ABI, trusted: '1' },
  { maxSegments: 256, maxIndirectSegments: 20, persistentPages: 30, abi: X86_64_ABI, trusted: '1' },
  { maxSegments: 256, maxIndirectSegments: 256, persistentPages: 0, abi: X86_32_ABI, trusted: '0' },
  { maxSegments: 4096, maxIndirectSegments: 4096, persistentPages: 1056, abi: X86_64_ABI, trusted: '1' },
  { maxSegments: 4096, maxIndirectSegments: 5, persistentPages: 30, abi: X86_32_ABI, trusted: '0' },
]

const usesIndirect = ({ maxSegments, maxIndirectSegments }: (typeof SETTINGS)[number]) =>
  Math.min(maxSegments, maxIndirectSegments) > 11

describe.each(SETTINGS)(
  '$maxSegments of $maxIndirectSegments segments, $persistentPages kept, trusted $trusted',
  (s) => {
    test('what is written is read back, through copies and without', async () => {
      const content = patternDisk(SECTORS)
      await using world = await DiskHost.boot(s)
      const guest = await world.guest(content, { frontendKeys: { trusted: s.trusted } })
      await using disk = await BlkifFrontend.open(guest, 'xvda', { maxSegments: s.maxSegments, abi: s.abi })
      const copied = new Uint8Array(SECTORS * 512)
      using shared = disk.allocate(SECTORS * 512)
      expect(shared.granted !== undefined).toBe(s.trusted === '1')
      await Promise.all([disk.read(0, copied), disk.read(0, shared)])
      expect([Buffer.compare(copied, content), Buffer.compare(shared.bytes, content)]).toEqual([0, 0])

      for (const bytes of [copied, shared.bytes]) for (let i = 0; i < bytes.length; i++) bytes[i]! ^= 0x5a
      await Promise.all([
        disk.write(0, copied.subarray(0, 300 * 512)),
        disk.write(300, shared.subarray(300 * 512, 901 * 512)),
        disk.write(901, copied.subarray(901 * 512)),
      ])
      await disk.flush()
      expect(Buffer.compare(content, copied)).toBe(0)
      expect(disk.stats.errors).toBe(0)
      expect(disk.stats.indirect > 0).toBe(usesIndirect(s))
      const [backend] = world.bus.devices
      expect(backend!.stats.grantsReused > 0).toBe(s.persistentPages > 0)
    })
  },
)

describe('discard', () => {
  test('is offered by a store that can; the range reads as zeros', async () => {
    const content = patternDisk(64)
    await using world = await DiskHost.boot()
    await using disk = await BlkifFrontend.open(await world.guest(content), 'xvda')
    expect(disk.features.discard).toEqual({ granularityBytes: 512, alignmentBytes: 0, secure: true })
    await disk.discard(3, 5)
    await disk.discard(20, 2, { secure: true })
    await disk.discard(1, 0)
    const zeros = (first: number, count: number) =>
      content.subarray(first * 512, (first + count) * 512).every((b) => b === 0)
    expect([zeros(3, 5), zeros(20, 2), zeros(2, 1), zeros(8, 1)]).toEqual([true, true, false, false])
    expect(disk.stats).toMatchObject({ discards: 2, bytesDiscarded: 7 * 512 })
    for (const [first, count] of [
      [64, 1],
      [0, 65],
      [-1, 1],
      [0.5, 1],
      [0, Number.NaN],
    ] as const)
      await expect(disk.discard(first, count)).rejects.toThrow(RangeError)
  })

  test.each([
    [{ mode: 'r' }, 'EROFS'],
    [{ backendKeys: { 'discard-enable': '0' } }, 'EOPNOTSUPP'],
  ])('with %j it is %s', async (attach, code) => {
    await using world = await DiskHost.boot()
    await using disk = await BlkifFrontend.open(await world.guest(patternDisk(8), attach), 'xvda')
    expect(disk.features.discard).toBeUndefined()
    await expect(disk.discard(0, 8)).rejects.toMatchObject({ code })
  })
})

test('a buffer that was disposed is not transferred', async () => {
  await using world = await DiskHost.boot()
  await using disk = await BlkifFrontend.open(await world.guest(patternDisk(8)), 'xvda')
  const buffer = disk.allocate(512)
  buffer[Symbol.dispose]()
  await expect(disk.read(0, buffer)).rejects.toMatchObject({ code: 'CLOSED' })
  for (const size of [0, -1, 1.5]) expect(() => disk.allocate(size)).toThrow(RangeError)
})

test.each([10, 4097, 11.5])('maxSegments may not be %d', async (maxSegments) => {
  await using world = await DiskHost.boot()
  const guest = await world.guest()
  expect(() => new BlkifFrontend(guest, 'device/vbd/51712', { maxSegments })).toThrow(RangeError)
})
