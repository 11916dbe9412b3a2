import { SECTOR_BYTES } from '@split-driver/abi'
import type { SeededRandom } from '@split-driver/conformance'
import type { Range } from './disk-image.js'

/** Most bytes of one write: as many as one request of 11 segments moves. */
const MAX_SECTORS = 88

/** A line of text, over and over, at some place of a disk: easy to make for a shell and for us. */
export interface PatternWrite extends Range {
  readonly line: string
  /** Past the guest's page cache. */
  readonly direct: boolean
}

export const randomPatternWrites = (random: SeededRandom, diskBytes: number, count: number): PatternWrite[] =>
  Array.from({ length: count }, (_, index) => {
    const sectors = 1 + random.below(MAX_SECTORS)
    const sector = random.below(diskBytes / SECTOR_BYTES - sectors)
    const line = `write ${index} at ${sector}, ${random.u32()}`
    return { line, position: sector * SECTOR_BYTES, byteLength: sectors * SECTOR_BYTES, direct: index % 2 === 0 }
  })

/** The bytes of one write. */
export const patternBytes = ({ line, byteLength }: PatternWrite): Uint8Array => Buffer.alloc(byteLength, `${line}\n`)

/** Shell commands that carry them out on a disk of a guest, in their order, and make them durable. */
export const shellWrites = (device: string, writes: readonly PatternWrite[]): string =>
  ['set -e', ...writes.map((write) => shellWrite(device, write)), 'sync'].join('\n')

const shellWrite = (device: string, { line, position, byteLength, direct }: PatternWrite): string =>
  `yes '${line}' | dd of=${device} bs=${byteLength} count=1 seek=${position} iflag=fullblock ` +
  `oflag=seek_bytes${direct ? ',direct' : ''} conv=notrunc status=none`
