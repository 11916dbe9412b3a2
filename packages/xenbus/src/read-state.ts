import { XenError } from '@split-driver/abi'
import { KEY } from './keys/keys.js'
import { joinPath } from './wire/path.js'
import type { XenStoreOperations } from './xenstore.js'

/** A device's `state` as it stands there. */
export interface StateText {
  readonly path: string
  /** `undefined` if there is no such node. */
  readonly text: string | undefined
}

/**
 * Reads the state of a directory that we could read before. Once it is removed, the answer is EACCES rather than ENOENT
 * if the nearest directory that is left is not ours to read (rule 43); both mean that it is gone.
 */
export const readStateText = async (
  store: Pick<XenStoreOperations, 'tryRead'>,
  directory: string,
): Promise<StateText> => {
  const path = joinPath(directory, KEY.state)
  try {
    return { path, text: await store.tryRead(path) }
  } catch (error) {
    if (XenError.is(error, 'EACCES')) return { path, text: undefined }
    throw error
  }
}
