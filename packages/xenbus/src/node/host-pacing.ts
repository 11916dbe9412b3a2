import type { Pacing } from '../client/back-off.js'

type Timers = NonNullable<Pacing['clock']>

/** Node's own. */
const hostTimers: Timers = {
  setTimer: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds)
    return { cancel: () => clearTimeout(timer) }
  },
}

/**
 * The host's timers and chance, for a client that is opened by hand:
 * `XenStoreClient.open(() => SocketChannel.connect(xenstoreSocketPath()), hostPacing())`
 *
 * @param clock in place of Node's timers; a Platform's, for whoever has one
 */
export const hostPacing = (clock: Timers = hostTimers): Required<Pacing> => ({ clock, random: Math.random })
