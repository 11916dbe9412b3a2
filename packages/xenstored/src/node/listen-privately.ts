import type { Server } from 'node:net'
import { XenError } from '@split-driver/abi'

/** Bytes of a Unix socket's path, without the zero at its end. @see sys/un.h sockaddr_un */
export const SOCKET_PATH_MAX_BYTES = 107

/** Nobody but the owner may connect. */
const OWNER_ONLY = 0o177

/**
 * Makes a Unix socket of mode 0600.
 * @param bind makes it before it returns, so the mask holds for nothing else
 * @throws XenError EINVAL for a path that no socket can have; what `bind` throws
 */
export const bindPrivately = (path: string, bind: () => void): void => {
  if (Buffer.byteLength(path) > SOCKET_PATH_MAX_BYTES) {
    const limit = `the ${SOCKET_PATH_MAX_BYTES} bytes of a socket's path`
    throw new XenError('EINVAL', `${path} is longer than ${limit}: choose another`)
  }
  const mask = process.umask(OWNER_ONLY)
  try {
    bind()
  } finally {
    process.umask(mask)
  }
}

/**
 * Listens on a Unix socket of mode 0600.
 * @throws as `bindPrivately`; what `listen` says otherwise, such as EADDRINUSE
 */
export const listenPrivately = async (server: Server, path: string): Promise<void> => {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    bindPrivately(path, () => server.listen(path, resolve))
  })
  server.removeAllListeners('error')
}
