import { virtualDeviceNumber } from '@split-driver/blkif'

/**
 * The number of a disk as a configuration may name it: `xvda1`, `sda`, `hdc`; `d0`, `d0p1` (disk, partition); or the number.
 * @see xen-vbd-interface(7) "Configuration file syntax"
 * @throws RangeError
 */
export const vdevNumber = (text: string): number => {
  const number = /^(?:0x[0-9a-f]{1,8}|\d{1,9})$/.test(text) ? Number(text) : undefined
  if (number !== undefined && number <= 0x1fff_ffff) return number
  const [, disk, partition = '0'] = /^d(\d{1,7})(?:p(\d{1,3}))?$/.exec(text) ?? []
  return disk === undefined ? virtualDeviceNumber(text) : diskAndPartition(text, Number(disk), Number(partition))
}

const diskAndPartition = (text: string, disk: number, partition: number): number => {
  if (disk < 16 && partition < 16) return (202 << 8) | (disk << 4) | partition
  if (disk < 1 << 20 && partition < 256) return (1 << 28) | (disk << 8) | partition
  throw new RangeError(`'${text}' is beyond the disks and partitions that there can be`)
}
