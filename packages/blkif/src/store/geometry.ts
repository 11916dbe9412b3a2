import { SECTOR_BYTES, XenError } from '@split-driver/abi'
import { totalBytes } from '../views.js'

/**
 * Judges what a store says of its disk, before a guest can see it.
 * @param name what to call the disk in the message
 * @param sectorBytes logical sector size
 * @throws XenError EINVAL: no whole number of sectors, or none at all
 * @throws RangeError if `sectorBytes` is no power of two from 512 up
 */
export const assertGeometry = (name: string, byteLength: number, sectorBytes: number): void => {
  if (!(sectorBytes >= SECTOR_BYTES) || sectorBytes > 2 ** 30 || (sectorBytes & (sectorBytes - 1)) !== 0)
    throw new RangeError(`a sector size must be a power of two from 512 up, not ${sectorBytes}`)
  const detail = { name, byteLength, sectorBytes }
  if (byteLength === 0) throw new XenError('EINVAL', `${name} is empty: a disk needs at least one sector`, { detail })
  if (byteLength % sectorBytes === 0) return
  const advice = `pad it (a file: truncate -s %${sectorBytes} ${name})`
  throw new XenError('EINVAL', `${name} has ${byteLength} bytes, no multiple of ${sectorBytes}: ${advice}`, { detail })
}

/**
 * The bytes of a transfer, which must lie within the disk and consist of whole 512-byte sectors.
 * @throws RangeError otherwise: the caller has not judged the request
 */
export const transferBytes = (byteLength: number, position: number, views: readonly Uint8Array[]): number => {
  const total = totalBytes(views)
  assertRange(byteLength, position, total)
  return total
}

/** @throws RangeError unless `length` bytes at `position` are whole 512-byte sectors within the disk */
export const assertRange = (byteLength: number, position: number, length: number): void => {
  const isWhole = position % SECTOR_BYTES === 0 && length % SECTOR_BYTES === 0
  if (!(isWhole && length >= 0 && position >= 0 && position <= byteLength - length))
    throw new RangeError(`${length} bytes at ${position} are not whole sectors of a disk of ${byteLength} bytes`)
}
