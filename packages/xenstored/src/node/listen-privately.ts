import type { Server } from 'node:net'
import { XenError } from '@split-driver/abi'

/** Bytes of a Unix socket's path, without the zero at its end. @see sys/un.h sockaddr_un */
const MAX_PATH_BYTES = 107

/** Nobody but the owner may connect. */
const OWNER_ONLY = 0o177

/**
 * Listens on a Unix socket of mode 0600.
 * @throws XenError EINVAL for a path that no socket can have; what `listen` says otherwise, such as EADDRINUSE
 */
export const listenPrivately = async (server: Server, path: string): Promise<void> => {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES)
    throw new XenError(
      'EINVAL',
      `${path} is longer than the ${MAX_PATH_BYTES} bytes of a socket's path: choose another`,
    )
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    // The socket comes into being within this call, so the mask holds for nothing else.
    const mask = process.umask(OWNER_ONLY)
    try {
      server.listen(path, resolve)
    } finally {
      process.umask(mask)
    }
  })
  server.removeAllListeners('error')
}
