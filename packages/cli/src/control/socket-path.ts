import { lstat } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { XenError } from '@split-driver/abi'
import { usableFolder } from '../consoled/usable-folder.js'

/**
 * Where a machine has its control socket unless it is told otherwise: what SPLIT_DRIVER_SOCKET says, or below the user's
 * runtime folder, or in a folder of the user's own among the temporary ones.
 */
export const defaultSocketPath = (environment: NodeJS.ProcessEnv = process.env): string => {
  const named = environment['SPLIT_DRIVER_SOCKET'] ?? ''
  if (named !== '') return named
  const runtime = environment['XDG_RUNTIME_DIR']
  if (runtime?.startsWith('/')) return join(runtime, 'split-driver', 'machine.sock')
  return join(tmpdir(), `split-driver-${userInfo().uid}`, 'machine.sock')
}

/** The folder of the other sockets of a machine: XenStore's and the consoles'. */
export const machineFolder = (socketPath: string): string => `${socketPath.replace(/\.sock$/, '')}.d`

/**
 * Makes the folder that a socket lies in, unless there is one.
 * @throws XenError EACCES if it cannot be used, or is somebody else's: they could put another socket in ours' place
 */
export const prepareSocketFolder = async (socketPath: string): Promise<void> => {
  const folder = dirname(socketPath)
  await usableFolder(folder, 'sockets')
  const { uid } = await lstat(folder)
  if (uid !== userInfo().uid && uid !== 0)
    throw new XenError('EACCES', `${folder} belongs to another user: name another place with --socket`)
}
