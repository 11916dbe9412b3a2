import type { Stats } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { SECTOR_BYTES } from '@split-driver/abi'

/**
 * Bytes of an opened file or block device. A device's `stat` says 0; Linux tells its size, always in units of 512 bytes,
 * under /sys/dev/block/<major>:<minor>.
 */
export const deviceBytes = async (stat: Stats): Promise<number> => {
  if (!stat.isBlockDevice()) return stat.size
  const sectors = await readFile(`/sys/dev/block/${major(stat.rdev)}:${minor(stat.rdev)}/size`, 'ascii')
  return Number(sectors) * SECTOR_BYTES
}

/** @see glibc's sysmacros.h gnu_dev_major, for the numbers below 2³² that a double and a 12-bit major can carry */
const major = (rdev: number): number => (rdev >>> 8) & 0xfff

const minor = (rdev: number): number => ((rdev >>> 12) & 0xfff00) | (rdev & 0xff)
