import { SECTOR_BYTES, XenError } from '@split-driver/abi'
import type { KeyValues } from '@split-driver/xenbus'
import { totalBytes } from '../views.js'
import type { geometryKeys } from '../wire/device-keys.js'
import { INFO, PHYSICAL_SECTOR_SIZE, SECTOR_SIZE, SECTORS } from '../wire/keys.js'
import { MAX_SEGMENTS, SECTORS_PER_PAGE, Vdisk } from '../wire/operations.js'
import type { Buffers } from './scatter.js'

/** What a frontend knows of its disk. */
export interface DiskGeometry {
  /** In units of 512 bytes, whatever the sector size. */
  readonly sectorCount: number
  /** Logical sector size in bytes: reads and writes begin and end at multiples of it. */
  readonly sectorBytes: number
  /** Sector size of the medium in bytes, a multiple of `sectorBytes`: a hint. */
  readonly physicalSectorBytes: number
  readonly readOnly: boolean
}

/** Nothing can be transferred if one sector does not fit a request of 11 pages. */
const MAX_SECTOR_BYTES = MAX_SEGMENTS * SECTORS_PER_PAGE * SECTOR_BYTES

/** @throws XenError BAD_KEY: sizes that no disk can have */
export const judgeGeometry = (keys: KeyValues<(typeof geometryKeys)['shapes']>): DiskGeometry => {
  const sectorBytes = keys[SECTOR_SIZE]
  const physicalSectorBytes = keys[PHYSICAL_SECTOR_SIZE]
  const sectorCount = keys[SECTORS]
  const demand = (key: string, value: number, holds: boolean, expected: string): void => {
    if (!holds) throw new XenError('BAD_KEY', `${key} is ${value}; expected ${expected}`, { detail: { key, value } })
  }
  const isPower = (sectorBytes & (sectorBytes - 1)) === 0 && sectorBytes <= MAX_SECTOR_BYTES
  demand(SECTOR_SIZE, sectorBytes, isPower, 'a power of two from 512 to 32768')
  demand(
    PHYSICAL_SECTOR_SIZE,
    physicalSectorBytes,
    physicalSectorBytes % sectorBytes === 0,
    'a multiple of sector-size',
  )
  const isWhole = (sectorCount * SECTOR_BYTES) % sectorBytes === 0
  demand(SECTORS, sectorCount, isWhole, `a multiple of the ${sectorBytes / SECTOR_BYTES} in one logical sector`)
  return { sectorCount, sectorBytes, physicalSectorBytes, readOnly: (keys[INFO] & Vdisk.ReadOnly) !== 0 }
}

/**
 * The bytes of a transfer that the caller wants.
 * @throws RangeError unless it is made of whole logical sectors of this disk
 */
export const judgeTransfer = (disk: DiskGeometry, sectorNumber: number, buffers: Buffers): number => {
  const byteLength = totalBytes(buffers)
  demandSectors(disk, sectorNumber, byteLength)
  return byteLength
}

/** @throws RangeError unless it is made of whole logical sectors of this disk */
export const judgeDiscard = (disk: DiskGeometry, sectorNumber: number, sectorCount: number): void =>
  demandSectors(disk, sectorNumber, sectorCount * SECTOR_BYTES)

const demandSectors = ({ sectorBytes, sectorCount }: DiskGeometry, sectorNumber: number, byteLength: number): void => {
  if (byteLength % sectorBytes !== 0 || (sectorNumber * SECTOR_BYTES) % sectorBytes !== 0)
    throw new RangeError(`${byteLength} bytes at sector ${sectorNumber} are not whole sectors of ${sectorBytes} bytes`)
  if (!(sectorNumber >= 0 && byteLength >= 0 && sectorNumber + byteLength / SECTOR_BYTES <= sectorCount))
    throw new RangeError(`${byteLength} bytes at sector ${sectorNumber} lie beyond the disk's ${sectorCount} sectors`)
}
