import type { Pacing } from '../client/back-off.js'
import { hostClock } from './host-clock.js'

type Timers = NonNullable<Pacing['clock']>

/**
 * The host's timers and chance, for a client that is opened by hand:
 * `XenStoreClient.open(() => SocketChannel.connect(xenstoreSocketPath()), hostPacing())`
 *
 * @param clock in place of Node's timers; a Platform's, for whoever has one
 */
export const hostPacing = (clock: Timers = hostClock): Required<Pacing> => ({ clock, random: Math.random })
