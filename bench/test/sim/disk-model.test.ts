import { SECTOR_BYTES } from '@split-driver/abi'
import { describe, expect, it } from 'vitest'
import { DiskModel } from '../../src/sim/disk-model.js'
import { fillSectors, tagOfSector } from '../../src/sim/sector-pattern.js'

const sectorOf = (tag: number): Uint8Array => {
  const bytes = new Uint8Array(SECTOR_BYTES)
  fillSectors(bytes, tag)
  return bytes
}

/** A disk of one sector: which of these tags may a read see? */
const allowed = (model: DiskModel, ...tags: number[]): number[] =>
  tags.filter((tag) => model.judgeAtRest(sectorOf(tag)) === undefined)

describe('a sector’s pattern', () => {
  it('tells of which write it is, and that a torn one is of none', () => {
    const bytes = sectorOf(77)
    expect(tagOfSector(bytes)).toBe(77)
    bytes.set(sectorOf(78).subarray(256), 256)
    expect(tagOfSector(bytes)).toBe(-1)
  })
})

describe('the model of a disk', () => {
  it('a write under way, or failed, may or may not have been done; one that succeeded has been', () => {
    const model = new DiskModel(1)
    const tag = model.beginWrite(0, 1)
    expect(allowed(model, 0, tag, tag + 1)).toEqual([0, tag])
    model.endWrite(0, 1, tag)
    expect(allowed(model, 0, tag)).toEqual([tag])
  })

  it('what was not flushed may be lost with the power, what was flushed may not', () => {
    const model = new DiskModel(1)
    const first = model.beginWrite(0, 1)
    model.endWrite(0, 1, first)
    model.endFlush(model.beginFlush())
    const second = model.beginWrite(0, 1)
    model.endWrite(0, 1, second)
    expect(allowed(model, 0, first, second)).toEqual([second])
    model.losePower()
    expect(allowed(model, 0, first, second)).toEqual([first, second])
  })

  it('a flush says nothing of writes that ended after it had begun, and nothing at all if it fails', () => {
    const model = new DiskModel(1)
    const first = model.beginWrite(0, 1)
    const point = model.beginFlush()
    model.endWrite(0, 1, first)
    model.endFlush(point)
    model.beginFlush()
    model.losePower()
    expect(allowed(model, 0, first)).toEqual([0, first])
  })

  it('an answer that comes when power was lost meanwhile promises nothing', () => {
    const model = new DiskModel(1)
    const { losses } = model
    const tag = model.beginWrite(0, 1)
    model.losePower()
    model.endWrite(0, 1, tag)
    expect(allowed(model, 0, tag)).toEqual([0, tag])
    expect(model.judgeRead(0, sectorOf(tag), losses)).toBeUndefined()
    expect(allowed(model, 0, tag)).toEqual([0, tag])
  })

  it('what a read has seen is what the disk holds', () => {
    const model = new DiskModel(1)
    const tag = model.beginWrite(0, 1)
    expect(model.judgeRead(0, sectorOf(0), model.losses)).toBeUndefined()
    expect(model.judgeRead(0, sectorOf(tag), model.losses)).toMatch(/sector 0 holds write 1, not 0/)
  })
})
