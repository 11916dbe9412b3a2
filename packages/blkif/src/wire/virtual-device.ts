/**
 * Names of virtual disks and the numbers that stand for them in XenStore: `xvda` is 51712.
 * @see xen-vbd-interface(7) "Concrete encoding in the VBD interface"
 */
interface Family {
  readonly prefix: 'xvd' | 'sd' | 'hd'
  /** High bits of the number. */
  readonly base: number
  readonly diskShift: number
  /** Disks that this encoding can name, from this one on … */
  readonly firstDisk: number
  readonly diskCount: number
  readonly partitionCount: number
}

/** The first that fits is the canonical one. */
const FAMILIES: readonly Family[] = [
  { prefix: 'xvd', base: 202 << 8, diskShift: 4, firstDisk: 0, diskCount: 16, partitionCount: 16 },
  { prefix: 'xvd', base: 1 << 28, diskShift: 8, firstDisk: 0, diskCount: 1 << 20, partitionCount: 256 },
  { prefix: 'sd', base: 8 << 8, diskShift: 4, firstDisk: 0, diskCount: 16, partitionCount: 16 },
  { prefix: 'hd', base: 3 << 8, diskShift: 6, firstDisk: 0, diskCount: 2, partitionCount: 64 },
  { prefix: 'hd', base: 22 << 8, diskShift: 6, firstDisk: 2, diskCount: 2, partitionCount: 64 },
]

const LETTERS = 26
const FIRST_LETTER = 'a'.charCodeAt(0)

/** a … z, aa … zz, aaa …: a number without a zero digit. */
const diskOf = (letters: string): number =>
  [...letters].reduce((disk, letter) => disk * LETTERS + letter.charCodeAt(0) - FIRST_LETTER + 1, 0) - 1

const lettersOf = (disk: number): string => {
  const letter = String.fromCharCode(FIRST_LETTER + (disk % LETTERS))
  return disk < LETTERS ? letter : lettersOf(Math.floor(disk / LETTERS) - 1) + letter
}

/**
 * The number of a disk or partition named as in a guest's configuration: `xvda`, `xvdb2`, `sda`, `hdc1`.
 * @throws RangeError for a name that the interface cannot encode
 */
export const virtualDeviceNumber = (name: string): number => {
  const [, prefix, letters, digits] = /^(xvd|sd|hd)([a-z]{1,5})([1-9]\d{0,2})?$/.exec(name) ?? []
  const disk = diskOf(letters ?? '')
  const partition = Number(digits ?? 0)
  const family = FAMILIES.find(
    (f) =>
      f.prefix === prefix && disk >= f.firstDisk && disk < f.firstDisk + f.diskCount && partition < f.partitionCount,
  )
  if (family === undefined) throw new RangeError(`'${name}' is no virtual disk's name, such as xvda or xvdb1`)
  return family.base + (disk - family.firstDisk) * 2 ** family.diskShift + partition
}

/** The name for a `virtual-device` number, or undefined for one that the interface does not define. */
export const virtualDeviceName = (virtualDevice: number): string | undefined => {
  for (const { prefix, base, diskShift, firstDisk, diskCount, partitionCount } of FAMILIES) {
    const rest = virtualDevice - base
    const disk = Math.floor(rest / 2 ** diskShift)
    const partition = rest - disk * 2 ** diskShift
    if (!Number.isInteger(rest) || rest < 0 || disk >= diskCount || partition >= partitionCount) continue
    return `${prefix}${lettersOf(disk + firstDisk)}${partition === 0 ? '' : partition}`
  }
  return undefined
}
