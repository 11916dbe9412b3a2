import { lstat, unlink } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { XenError } from '@split-driver/abi'

/**
 * Listens on a Unix socket that one living process at a time may have. What a process that was killed has left there is
 * replaced.
 * @param listen throws an Error of code EADDRINUSE if something is at the path
 * @param busy makes the error if somebody answers there
 * @throws what `busy` made; XenError EEXIST for a path that is no socket's; else what `listen` throws
 */
export const listenAlone = async (
  path: string,
  listen: () => Promise<void>,
  busy: () => Error | Promise<Error>,
): Promise<void> => {
  try {
    await listen()
  } catch (error) {
    if (!hasCode(error, 'EADDRINUSE')) throw error
    // Somebody's file: a connection to one is refused as by a dead socket.
    if (!(await lstat(path)).isSocket())
      throw new XenError('EEXIST', `${path} is there and is no socket: choose another`)
    if (await isAnswered(path)) throw await busy()
    await unlink(path)
    await listen()
  }
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code

const isAnswered = (path: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const socket = createConnection(path, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error) => {
      if (hasCode(error, 'ECONNREFUSED')) resolve(false)
      else reject(error)
    })
  })
