import { SECTOR_BYTES, XenError } from '@split-driver/abi'

/** "SDovl" and a version. */
const MAGIC = 0x5344_6f76_6c00_0001n
const HEADER_BYTES = 20
/** Data begin where every file system's blocks and every disk's sectors do. */
const DATA_ALIGNMENT_BYTES = 65_536

/** What lies where in the store of an overlay's changes: a header, one bit for each 512 bytes of the disk, and the data. */
export interface OverlayLayout {
  readonly byteLength: number
  /** The map is written in pieces of so many bytes, each by itself. */
  readonly mapUnitBytes: number
  readonly mapStart: number
  readonly mapBytes: number
  readonly dataStart: number
}

/** @param byteLength of the disk; @param changesSectorBytes sector size of the store that the changes lie in */
export const overlayLayout = (byteLength: number, changesSectorBytes: number): OverlayLayout => {
  const mapStart = changesSectorBytes
  const mapBytes = roundUp(Math.ceil(byteLength / SECTOR_BYTES / 8), changesSectorBytes)
  const dataStart = roundUp(mapStart + mapBytes, DATA_ALIGNMENT_BYTES)
  return { byteLength, mapUnitBytes: changesSectorBytes, mapStart, mapBytes, dataStart }
}

/** The first sector of the changes' store. */
export const overlayHeader = ({ byteLength, mapUnitBytes }: OverlayLayout): Uint8Array => {
  const header = new DataView(new ArrayBuffer(mapUnitBytes))
  header.setBigUint64(0, MAGIC)
  header.setBigUint64(8, BigInt(byteLength))
  header.setUint32(16, mapUnitBytes)
  return new Uint8Array(header.buffer)
}

/**
 * @returns whether changes were kept there before
 * @throws XenError EINVAL: it holds something else, or the changes of a disk of another shape
 */
export const judgeOverlayHeader = (found: Uint8Array, layout: OverlayLayout): boolean => {
  if (found.every((byte) => byte === 0)) return false
  const header = new DataView(found.buffer, found.byteOffset, found.length)
  if (header.getBigUint64(0) !== MAGIC)
    throw new XenError('EINVAL', 'the store for changes holds something else: give an empty one, all zeros')
  const expected = overlayHeader(layout).subarray(0, HEADER_BYTES)
  if (expected.every((byte, i) => byte === found[i])) return true
  const detail = { byteLength: Number(header.getBigUint64(8)), changesSectorBytes: header.getUint32(16) }
  const kept = `a disk of ${detail.byteLength} bytes, kept in sectors of ${detail.changesSectorBytes}`
  const asked = `one of ${layout.byteLength}, in sectors of ${layout.mapUnitBytes}`
  throw new XenError('EINVAL', `the store holds the changes of ${kept}, not of ${asked}`, { detail })
}

const roundUp = (bytes: number, unit: number): number => Math.ceil(bytes / unit) * unit
