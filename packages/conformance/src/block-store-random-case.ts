import type { BlockStore } from '@split-driver/blkif'
import { assertList } from './assert.js'
import { assertDiscarded, type BlockStoreCase, guarded, join, readAll, SECTORS } from './block-store-case.js'
import { SeededRandom } from './seeded-random.js'

export const blockStoreRandomCase: BlockStoreCase = {
  name: 'equals an array under random reads, writes and whatever else it offers',
  run: async (store, content, seed) => {
    const model = content.slice()
    const random = new SeededRandom(seed)
    for (let step = 0; step < 300; step++) await randomStep(store, model, random)
    assertList(await readAll(store), model, 'content at the end')
  },
}

const randomStep = async (store: BlockStore, model: Uint8Array, random: SeededRandom): Promise<void> => {
  const position = random.below(SECTORS) * 512
  const length = Math.min(1 + random.below(20), SECTORS - position / 512) * 512
  const choice = random.below(10)
  if (choice === 0 && store.discard !== undefined) {
    await store.discard(position, length, false)
    assertDiscarded(await readAll(store), model, position, length)
  } else if (choice === 1 && store.writeZeroes !== undefined) {
    await store.writeZeroes(position, length)
    model.fill(0, position, position + length)
  } else if (choice === 2) await store.flush()
  else await randomTransfer(store, model, position, random, length)
}

const randomTransfer = async (
  store: BlockStore,
  model: Uint8Array,
  position: number,
  random: SeededRandom,
  length: number,
): Promise<void> => {
  const lengths: number[] = []
  for (let left = length; left > 0; left -= lengths.at(-1)!)
    lengths.push((1 + random.below(Math.min(8, left / 512))) * 512)
  const views = guarded(lengths, random.below(256))
  if (random.below(2) === 0) {
    await store.write(position, views)
    model.set(join(views), position)
  } else {
    await store.read(position, views)
    assertList(join(views), model.subarray(position, position + length), `read of ${lengths} at ${position}`)
  }
}
