import { XenError } from '@split-driver/abi'
import { liveUpdateCommand, type SavedState, XenstoreServer } from '@split-driver/xenstored'
import {
  FileConsole,
  type JournalFolder,
  ProcessSuccessor,
  takeSavedState,
  XenstoreSocketServer,
} from '@split-driver/xenstored/node'
import type { StoreMachine } from './store-machine.js'
import type { XenstoredOptions } from './xenstored-daemon.js'

export interface OpenStore {
  readonly server: XenstoreServer
  readonly sockets: readonly XenstoreSocketServer[]
}

type ChannelOf = NonNullable<ConstructorParameters<typeof XenstoreServer>[1]>['resume']

/**
 * A server with its sockets: fresh ones, or those of the daemon that was in this process before.
 * @throws XenError EBUSY if a daemon lives at a socket; else what says which place is of no use. Nothing stays open
 */
export const openStore = async (
  machine: StoreMachine,
  options: XenstoredOptions,
  journal: JournalFolder | undefined,
): Promise<OpenStore> => {
  const sockets: XenstoreSocketServer[] = []
  const successor = await ProcessSuccessor.load(machine.platform.clock, sockets)
  const begin = (resume?: ChannelOf): XenstoreServer => {
    const commands = successor && [liveUpdateCommand({ successor, save: (how) => server.save(how) })]
    const server: XenstoreServer = new XenstoreServer(machine.platform, {
      ...machine.options,
      ...serverOptions(options),
      ...(journal && { journal }),
      ...(commands && { commands }),
      ...(resume && { resume }),
    })
    return server
  }
  let server: XenstoreServer | undefined
  try {
    if (options.resume === true) server = await resumeStore(takeSavedState(), options.sockets, begin, sockets)
    else server = begin()
    for (const path of options.sockets.slice(sockets.length)) sockets.push(await listenAt(server, path))
    return { server, sockets }
  } catch (error) {
    for (const socket of sockets) await socket[Symbol.asyncDispose]()
    server?.[Symbol.dispose]()
    throw error
  }
}

const serverOptions = ({ quotas = {}, logFolder, traceFile, log }: XenstoredOptions) => ({
  quotas,
  console: new FileConsole(logFolder, (text) => log.info({ event: 'console' }, text)),
  ...(traceFile === undefined ? {} : { traceFile }),
})

/** The sockets go on in the order in which they are given, as far as the daemon before had them. */
const resumeStore = async (
  state: SavedState,
  paths: readonly string[],
  begin: (resume: ChannelOf) => XenstoreServer,
  sockets: XenstoreSocketServer[],
): Promise<XenstoreServer> => {
  let server: XenstoreServer | undefined
  for (const [index, path] of paths.entries()) {
    const fd = socketOf(state, path, index)
    if (fd === undefined) break
    const socket = await XenstoreSocketServer.resume({ path, fd }, (channelOf) => {
      server ??= begin({ state, channelOf })
      return server
    })
    sockets.push(socket)
  }
  return server ?? begin({ state, channelOf: () => undefined })
}

/** Xen's own daemon tells of one socket, without a name. */
const socketOf = ({ stream, supplement }: SavedState, path: string, index: number): number | undefined => {
  for (const record of supplement) if (record.kind === 'LISTENER' && record.path === path) return record.fd
  if (supplement.length > 0 || index > 0) return undefined
  for (const record of stream.records) if (record.kind === 'GLOBAL_DATA' && record.socketFd >= 0) return record.socketFd
  return undefined
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
