import type { Stats } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { SECTOR_BYTES } from '@split-driver/abi'
import { major, minor } from './device-number.js'

/**
 * Bytes of an opened file or block device. A device's `stat` says 0; Linux tells its size, always in units of 512 bytes,
 * under /sys/dev/block/<major>:<minor>.
 */
export const deviceBytes = async (stat: Stats): Promise<number> => {
  if (!stat.isBlockDevice()) return stat.size
  const sectors = await readFile(`/sys/dev/block/${major(stat.rdev)}:${minor(stat.rdev)}/size`, 'ascii')
  return Number(sectors) * SECTOR_BYTES
}
