type Koffi = typeof import('koffi')

/** What a koffi function of a call leaves: its result, after which `errno` is that call's. */
type Done = (error: unknown, result: number) => void

/** The calls of Linux's C library that Node has none for; each returns −1 and sets `errno` when the kernel refuses. */
export interface FileLibrary {
  flock(fd: number, operation: number): number
  fallocate(fd: number, mode: number, position: number, byteLength: number): number
  /** Off the thread. */
  fallocateLater(fd: number, mode: number, position: number, byteLength: number, done: Done): void
  errno(): number
}

/** Binds the C library of this process; `undefined` where it is not Linux's of 64 bits, or koffi has no binary. */
export const loadFileLibrary = async (): Promise<FileLibrary | undefined> => {
  if (process.platform !== 'linux' || !process.arch.endsWith('64')) return undefined
  try {
    return bind((await import('koffi')).default as unknown as Koffi)
  } catch {
    return undefined
  }
}

const bind = (koffi: Koffi): FileLibrary => {
  const libc = koffi.load(null)
  const fallocate = libc.func('int fallocate(int fd, int mode, int64_t position, int64_t length)')
  return {
    flock: libc.func('int flock(int fd, int operation)'),
    fallocate,
    fallocateLater: (fd, mode, position, byteLength, done) => fallocate.async(fd, mode, position, byteLength, done),
    errno: () => koffi.errno(),
  }
}
