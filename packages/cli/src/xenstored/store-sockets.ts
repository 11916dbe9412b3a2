import { XenError } from '@split-driver/abi'
import type { ResumeOptions, SavedState, XenstoreServer } from '@split-driver/xenstored'
import { XenstoreSocketServer } from '@split-driver/xenstored/node'
import type { Log } from '../logging/log.js'

export interface StoreSocketsOptions {
  /** Where to listen. */
  readonly paths: readonly string[]
  /** Takes each socket as it is opened. */
  readonly sockets: XenstoreSocketServer[]
  /** What another program in this process has left. */
  readonly saved: SavedState | undefined
  readonly begin: (resume?: ResumeOptions) => XenstoreServer
  readonly log: Log
}

/** Opens a daemon's sockets, or goes on with those that it finds open; the server begins with the first of them. */
export const openSockets = async ({ paths, sockets, saved, begin, log }: StoreSocketsOptions): Promise<void> => {
  let server: XenstoreServer | undefined
  for (const listener of saved === undefined ? [] : listenersOf(saved, paths[0]!)) {
    const resumed = await XenstoreSocketServer.resume(listener, (channelOf) => {
      server ??= begin({ state: saved!, channelOf })
      return server
    })
    sockets.push(resumed)
    log.info({ event: 'resume', socket: listener.path }, 'going on with a socket and its clients')
  }
  server ??= begin(saved && { state: saved, channelOf: () => undefined })
  for (const path of paths) {
    if (sockets.some((socket) => socket.path === path)) continue
    sockets.push(await listenAt(server, path))
    log.info({ event: 'listen', socket: path }, 'serving a socket')
  }
}

/** Ours says which sockets there are; the original has one, and tells its descriptor alone. */
const listenersOf = (
  { stream, supplement }: SavedState,
  path: string,
): { readonly path: string; readonly fd: number }[] => {
  const ours = supplement.filter((record) => record.kind === 'LISTENER')
  if (ours.length > 0) return ours
  return stream.records.flatMap((record) =>
    record.kind === 'GLOBAL_DATA' && record.socketFd >= 0 ? [{ path, fd: record.socketFd }] : [],
  )
}

const listenAt = async (server: XenstoreServer, path: string): Promise<XenstoreSocketServer> => {
  try {
    return await XenstoreSocketServer.listen(server, { path })
  } catch (error) {
    if (XenError.is(error)) throw error
    const { code, message } = error as NodeJS.ErrnoException
    const advice = 'run as a user who may, or choose another place with --socket'
    const refused = code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
    throw new XenError(refused ? 'EACCES' : 'EINVAL', `cannot listen at ${path}: ${message}; ${advice}`, {
      cause: error,
    })
  }
}
