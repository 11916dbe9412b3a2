import { SECTOR_BYTES } from '@split-driver/abi'

const WORDS = SECTOR_BYTES / 4

const wordOf = (tag: number, index: number): number => (Math.imul(tag, 0x9e37_79b1) + Math.imul(index, 0x85eb_ca6b)) | 0

/** Fills whole sectors with bytes that follow from `tag`: who reads one sees which write it is of. */
export const fillSectors = (bytes: Uint8Array, tag: number): void => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let word = 0; word < bytes.length / 4; word++) {
    const index = word % WORDS
    view.setInt32(word * 4, index === 0 ? tag : wordOf(tag, index), true)
  }
}

/** The tag that a sector was filled with; −1 if it is of no one write. */
export const tagOfSector = (bytes: Uint8Array): number => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, SECTOR_BYTES)
  const tag = view.getInt32(0, true)
  for (let index = 1; index < WORDS; index++) if (view.getInt32(index * 4, true) !== wordOf(tag, index)) return -1
  return tag
}
