import type { ByteChannel } from '@split-driver/xenbus'
import { hostPaths } from './host-paths.js'
import { LinuxSystemCalls } from './linux-system-calls.js'
import { explainOpening } from './opening-problem.js'
import { openXenStoreChannel, type XenStoreRoute } from './xenstore.js'

/**
 * The bytes of a connection to this host's XenStore, for whoever speaks the wire by himself: a relay, or a judge of
 * servers. Programs use `PrivcmdPlatform.xenstore`. @throws XenError as `PrivcmdPlatform.open`
 */
export const connectXenStore = async (route: XenStoreRoute = 'auto'): Promise<ByteChannel> => {
  const paths = hostPaths()
  return openXenStoreChannel(route, { calls: await LinuxSystemCalls.load(), paths, explain: explainOpening(paths) })
}
