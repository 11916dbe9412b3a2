import type { Stats } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { XenError } from '@split-driver/abi'
import type { Clock } from '@split-driver/platform'
import { major, minor } from './device-number.js'
import type { FileLibrary } from './file-library.js'

/** @see sys/file.h */
const LOCK_SH = 1
const LOCK_EX = 2
const LOCK_NB = 4

/** How long a lock that another holds is waited for. */
export interface LockPatience {
  readonly clock: Clock
  readonly milliseconds: number
}

const POLL_MILLISECONDS = 20

/**
 * Locks an opened disk as `flock(1)` does, until it is closed or its program ends: one who writes keeps all others out,
 * readers keep out who would write. Where the file system has no locks, none is taken.
 * @throws XenError EBUSY another holds it, and does so when `patience` has ended
 */
export const lockFile = async (
  library: FileLibrary,
  file: { readonly fd: number; readonly path: string; readonly stat: Stats },
  exclusive: boolean,
  patience?: LockPatience,
): Promise<void> => {
  const operation = (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB
  const end = patience && patience.clock.now() + patience.milliseconds
  while (library.flock(file.fd, operation) !== 0) {
    if (library.errno() !== EWOULDBLOCK) return
    if (patience === undefined || patience.clock.now() >= end!) throw await busy(file, exclusive)
    await new Promise<void>((resolve) => void patience.clock.setTimer(POLL_MILLISECONDS, resolve))
  }
}

/** Of Linux, on every processor that has a 64-bit Node. */
const EWOULDBLOCK = 11

const busy = async (
  { path, stat }: { readonly path: string; readonly stat: Stats },
  exclusive: boolean,
): Promise<XenError> => {
  const holder = await holderOf(stat)
  const by = holder === undefined ? 'another program' : holder === process.pid ? 'this program' : `process ${holder}`
  const how = exclusive ? 'is in use by' : 'is being written by'
  const advice = 'end that one, or share the disk on purpose with "shared"'
  return new XenError('EBUSY', `the disk ${path} ${how} ${by}: ${advice}`, { detail: { path, holder } })
}

/**
 * Lines as `1: FLOCK  ADVISORY  WRITE 4711 08:01:131090 0 EOF`. Some file systems show another device there than to `stat`.
 * @returns the process that holds a lock of the file, if that can be told
 */
const holderOf = async ({ dev, ino }: Stats): Promise<number | undefined> => {
  const held = `${hex(major(dev))}:${hex(minor(dev))}:${ino}`
  const locks = await readFile('/proc/locks', 'ascii').catch(() => '')
  for (const line of locks.split('\n')) {
    const [, kind, , , pid, file] = line.split(/\s+/)
    if (kind === 'FLOCK' && file === held) return Number(pid)
  }
  return undefined
}

const hex = (number: number): string => number.toString(16).padStart(2, '0')
