import { XenError } from '@split-driver/abi'
import { type ByteChannel, XenStoreClient } from '@split-driver/xenbus'
import { SocketChannel } from '@split-driver/xenbus/node'
import { ControlClient } from '../control/control-client.js'

export interface StoreChoice {
  /** Control socket of a machine. */
  readonly socket: string
  /** The socket was named by the user: nothing else will do. */
  readonly named: boolean
  /** Not a machine's XenStore, but that of the host that this is. */
  readonly host: boolean
}

/**
 * XenStore of the machine that runs at the socket; or of this host, if it is asked for, or if there is no machine.
 * @throws XenError that says what was tried
 */
export const openStore = async (
  { socket, named, host }: StoreChoice,
  openHost: () => Promise<ByteChannel>,
): Promise<XenStoreClient> => {
  if (host) return new XenStoreClient(await openHost())
  const machine = await machineChannel(socket)
  if (!XenError.is(machine)) return new XenStoreClient(machine)
  if (named) throw machine
  try {
    return new XenStoreClient(await openHost())
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
