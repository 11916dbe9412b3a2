import { fstatSync, readdirSync, type Stats, statSync } from 'node:fs'

/**
 * Whether the file that is open by `fd` is the one at `path`. Nodes are the same by the number of their device, wherever they
 * lie; other files by their own.
 * @throws ErrnoException
 */
export const isOpenAs = (fd: number, path: string): boolean => isSame(fstatSync(fd), statSync(path))

const isSame = (opened: Stats, named: Stats): boolean => {
  if (opened.isCharacterDevice()) return named.isCharacterDevice() && opened.rdev === named.rdev
  return opened.dev === named.dev && opened.ino === named.ino
}

/**
 * By which descriptor the program before this one has left `path` open.
 * @param said what it said; if that is something else, the one that is open is meant
 * @returns `undefined` if none is, or several are
 */
export const inheritedDescriptor = (path: string, said: number): number | undefined => {
  const open = descriptors().filter((fd) => isOpenNow(fd, path))
  if (open.includes(said)) return said
  return open.length === 1 ? open[0] : undefined
}

const descriptors = (): number[] => readdirSync('/proc/self/fd').map(Number)

/** The list itself was read by one that is closed by now. */
const isOpenNow = (fd: number, path: string): boolean => {
  try {
    return isOpenAs(fd, path)
  } catch {
    return false
  }
}
