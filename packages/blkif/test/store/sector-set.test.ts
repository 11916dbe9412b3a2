import { SeededRandom } from '@split-driver/conformance'
import { expect, test } from 'vitest'
import { SectorSet } from '../../src/store/overlay/sector-set.js'

test.each([1, 2, 3])('a SectorSet equals a Set under random changes, seed %i', (seed) => {
  const random = new SeededRandom(seed)
  const size = 100 + random.below(100)
  const set = new SectorSet(size)
  const model = new Set<number>()
  for (let step = 0; step < 200; step++) {
    const first = random.below(size)
    const end = first + random.below(size - first + 1)
    const adds = random.below(2) === 0
    if (adds) set.add(first, end)
    else set.delete(first, end)
    for (let sector = first; sector < end; sector++) adds ? model.add(sector) : model.delete(sector)
    expect(Array.from({ length: size }, (_, sector) => set.has(sector))).toEqual(
      Array.from({ length: size }, (_, sector) => model.has(sector)),
    )
    expect(runsOf(size, (sector) => set.runEnd(sector, size))).toEqual(
      runsOf(size, (sector) => {
        let end = sector + 1
        while (end < size && model.has(end) === model.has(sector)) end++
        return end
      }),
    )
  }
})

const runsOf = (size: number, runEnd: (sector: number) => number): number[] => {
  const ends: number[] = []
  for (let sector = 0; sector < size; sector = ends.at(-1)!) ends.push(runEnd(sector))
  return ends
}
