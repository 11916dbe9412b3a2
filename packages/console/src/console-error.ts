import { XenError } from '@split-driver/abi'

/** The end of everything that still waited when a console was closed. */
export const closedError = (): XenError => new XenError('CLOSED', 'the console is closed')

/** The peer's indices of either direction lie further apart than that direction is long (rule 58). */
export const brokenRingError = (): XenError =>
  new XenError('BYTE_RING_BAD_INDICES', "indices of the console's ring lie more than its size apart")

/** Whatever was thrown, as a XenError: a world may refuse with errors of its own. */
export const asXenError = (error: unknown): XenError =>
  XenError.is(error)
    ? error
    : new XenError('EIO', error instanceof Error ? error.message : String(error), { cause: error })
