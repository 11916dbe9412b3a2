import { unlink } from 'node:fs/promises'
import { createConnection, type Server } from 'node:net'
import { listenPrivately } from '../consoled/listen-privately.js'

/**
 * Listens on a Unix socket that one living process at a time may have. What a process that was killed has left there is
 * replaced.
 * @param busy makes the error if somebody answers there
 * @throws what `busy` made; else as `listenPrivately`
 */
export const listenAlone = async (server: Server, path: string, busy: () => Promise<Error>): Promise<void> => {
  try {
    await listenPrivately(server, path)
  } catch (error) {
    if (!hasCode(error, 'EADDRINUSE')) throw error
    if (await isAnswered(path)) throw await busy()
    await unlink(path)
    await listenPrivately(server, path)
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
