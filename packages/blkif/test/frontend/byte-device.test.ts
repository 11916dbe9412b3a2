import { ByteDevice, MemoryBlockStore, type SectorDisk } from '@split-driver/blkif'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const BYTES = 16384

/** A disk over memory that answers later, and in any order. */
const slowDisk = (sectorBytes: number, content: Uint8Array): SectorDisk => {
  const store = new MemoryBlockStore(content, { sectorBytes })
  let turn = 0
  const later = async (action: () => void) => {
    for (let wait = (turn++ * 7) % 5; wait >= 0; wait--) await Promise.resolve()
    action()
  }
  const list = (views: Uint8Array | readonly Uint8Array[]) => (views instanceof Uint8Array ? [views] : views)
  return {
    sectorBytes,
    sectorCount: content.length / 512,
    readOnly: false,
    read: (sector, target) => later(() => store.read(sector * 512, list(target))),
    write: (sector, source) => later(() => store.write(sector * 512, list(source))),
    flush: () => Promise.resolve(),
  }
}

const ranges = fc
  .tuple(fc.nat(BYTES), fc.nat(BYTES))
  .map(([a, b]) => ({ position: Math.min(a, b), length: Math.abs(a - b) }))

describe.each([512, 4096])('ByteDevice over sectors of %i', (sectorBytes) => {
  test('reads and writes any range, and no byte beside it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(ranges, fc.integer({ min: 1, max: 255 })), { maxLength: 8 }),
        async (steps) => {
          const model = Uint8Array.from({ length: BYTES }, (_, i) => i * 3)
          const device = new ByteDevice(slowDisk(sectorBytes, model.slice()))
          for (const [{ position, length }, fill] of steps) {
            const source = new Uint8Array(length).fill(fill)
            model.set(source, position)
            await device.write(position, source)
          }
          const whole = new Uint8Array(BYTES)
          await device.read(0, whole)
          expect(Buffer.compare(whole, model)).toBe(0)
          for (const [{ position, length }] of steps) {
            const target = new Uint8Array(length)
            await device.read(position, target)
            expect(Buffer.compare(target, model.subarray(position, position + length))).toBe(0)
          }
        },
      ),
      { numRuns: 50 },
    )
  })

  test('writes at the same time to parts of one sector do not undo each other', async () => {
    const device = new ByteDevice(slowDisk(sectorBytes, new Uint8Array(BYTES)))
    const model = Uint8Array.from({ length: sectorBytes * 2 }, (_, i) => (i % 255) + 1)
    await Promise.all([
      ...Array.from({ length: 64 }, (_, i) => {
        const start = (i * sectorBytes) / 64
        return device.write(start, model.subarray(start, start + sectorBytes / 64))
      }),
      device.write(sectorBytes, model.subarray(sectorBytes)),
    ])
    const seen = new Uint8Array(model.length)
    await device.read(0, seen)
    expect(seen).toEqual(model)
  })

  test('a later write of the whole sector is not undone by an earlier one of a part of it', async () => {
    const device = new ByteDevice(slowDisk(sectorBytes, new Uint8Array(BYTES)))
    const whole = new Uint8Array(sectorBytes).fill(2)
    await Promise.all([device.write(1, Uint8Array.of(1)), device.write(0, whole)])
    const seen = new Uint8Array(sectorBytes)
    await device.read(0, seen)
    expect(seen).toEqual(whole)
  })

  test('a write that fails holds up none that come after it', async () => {
    const disk = slowDisk(sectorBytes, new Uint8Array(BYTES))
    let failures = 1
    const device = new ByteDevice({
      ...disk,
      write: (sector, source) => (failures-- > 0 ? Promise.reject(new Error('no')) : disk.write(sector, source)),
    })
    const outcomes = await Promise.allSettled([1, 2, 3].map((at) => device.write(at, Uint8Array.of(at))))
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
    const seen = new Uint8Array(4)
    await device.read(0, seen)
    expect(seen).toEqual(Uint8Array.of(0, 0, 2, 3))
  })

  test.each([
    [-1, 1],
    [BYTES, 1],
    [BYTES - 1, 2],
    [0.5, 1],
    [Number.NaN, 1],
    [2 ** 53, 1],
  ])('position %d with %i bytes is a RangeError', async (position, length) => {
    const device = new ByteDevice(slowDisk(sectorBytes, new Uint8Array(BYTES)))
    await expect(device.read(position, new Uint8Array(length))).rejects.toThrow(RangeError)
    await expect(device.write(position, new Uint8Array(length))).rejects.toThrow(RangeError)
  })
})
