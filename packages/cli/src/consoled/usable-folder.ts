import { constants } from 'node:fs'
import { access, mkdir } from 'node:fs/promises'
import { XenError } from '@split-driver/abi'

const OWNER_ONLY = 0o700

/**
 * Makes a folder that only its owner may enter, unless there is one, and sees that files can be made in it.
 * @param purpose what it is for, in the message
 * @throws XenError EACCES that says which folder it is and what to do
 */
export const usableFolder = async (path: string, purpose: string): Promise<void> => {
  try {
    await mkdir(path, { recursive: true, mode: OWNER_ONLY })
    await access(path, constants.W_OK | constants.X_OK)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const advice = 'run as a user who may, or choose another folder'
    throw new XenError('EACCES', `cannot use ${path} for ${purpose}: ${reason}; ${advice}`, { cause: error })
  }
}
