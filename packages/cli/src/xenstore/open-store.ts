import { XenError } from '@split-driver/abi'
import type { XenStoreRoute } from '@split-driver/privcmd'
import type { ByteChannel } from '@split-driver/xenbus'
import { SocketChannel, xenstoreSocketPath } from '@split-driver/xenbus/node'
import { ControlClient } from '../control/control-client.js'

/** @see hostPaths of privcmd */
const KERNEL_NODE = '/dev/xen/xenbus'

/** Which XenStore is meant, and how it is reached. */
export interface StoreChoice {
  /** Control socket of a machine. */
  readonly socket: string
  /** The control socket was named by the user: nothing else will do. */
  readonly named: boolean
  /** A XenStore's own socket, or the kernel's node. */
  readonly xenstored: string | undefined
  /** The kernel's own connection. */
  readonly device: boolean
  /** Not a machine's XenStore, but that of the host that this is. */
  readonly host: boolean
}

export type OpenHost = (route: XenStoreRoute) => Promise<ByteChannel>

/**
 * A connection to the XenStore that was chosen; else to that which XENSTORED_PATH or XENSTORED_RUNDIR name; else to the
 * machine's that runs, or this host's.
 * @throws XenError that says what was tried
 */
export const openStore = async (choice: StoreChoice, openHost: OpenHost): Promise<ByteChannel> => {
  if (choice.device) return openHost('device')
  if (choice.xenstored !== undefined) return openPath(choice.xenstored, openHost)
  if (choice.host) return openHost('auto')
  const path = choice.named ? undefined : pathInEnvironment()
  return path === undefined ? openMachine(choice, openHost) : openPath(path, openHost)
}

/** Where libxenstore is told to look. */
const pathInEnvironment = (environment = process.env): string | undefined =>
  environment['XENSTORED_PATH'] === undefined && environment['XENSTORED_RUNDIR'] === undefined
    ? undefined
    : xenstoreSocketPath(environment)

/** XENSTORED_PATH may be the kernel's node, for libxenstore as well. */
const openPath = (path: string, openHost: OpenHost): Promise<ByteChannel> =>
  path === KERNEL_NODE ? openHost('device') : connect(path)

const connect = async (path: string): Promise<ByteChannel> => {
  try {
    return await SocketChannel.connect(path)
  } catch (cause) {
    const { code = 'an error' } = cause as NodeJS.ErrnoException
    const refused = code === 'EACCES' || code === 'EPERM'
    const why = refused ? 'this user may not connect to it' : `nobody answers there (${code}): is xenstored running?`
    throw new XenError(refused ? 'EACCES' : 'ENOENT', `no XenStore at ${path}: ${why}`, {
      cause,
      detail: { socket: path },
    })
  }
}

const openMachine = async ({ socket, named }: StoreChoice, openHost: OpenHost): Promise<ByteChannel> => {
  const machine = await machineChannel(socket)
  if (!XenError.is(machine)) return machine
  if (named) throw machine
  try {
    return await openHost('auto')
  } catch (error) {
    if (!XenError.is(error)) throw error
    throw new XenError('ENOENT', `${bare(machine)}; nor is there a host's XenStore: ${bare(error)}`, { cause: error })
  }
}

const bare = ({ code, message }: XenError): string => message.replace(`${code}: `, '')

/** @returns the error if there is no machine */
const machineChannel = async (socket: string): Promise<ByteChannel | XenError> => {
  try {
    using client = await ControlClient.connect(socket)
    const { xenstoreSocket } = await client.request('about', {})
    return await SocketChannel.connect(xenstoreSocket)
  } catch (error) {
    if (XenError.is(error, 'ENOENT')) return error
    throw error
  }
}
