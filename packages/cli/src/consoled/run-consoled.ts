import type { Platform } from '@split-driver/platform'
import { DomainAllowance } from '../logging/domain-allowance.js'
import type { Log } from '../logging/log.js'
import { ConsoledDaemon, type ConsoledOptions } from './consoled-daemon.js'
import { logConsoled } from './log-consoled.js'

export interface RunConsoledOptions extends ConsoledOptions {
  /** Is told what happens; nothing is said unless given. */
  readonly log?: Log
}

/**
 * Serves every domain's console on any world: `split-driver consoled` is this over a real host.
 * @returns when it serves the domains that there are
 * @throws XenError EACCES a folder cannot be used, EBUSY another daemon serves it; or if XenStore refuses the watches
 */
export const runConsoled = async (
  platform: Platform,
  { log, ...options }: RunConsoledOptions = {},
): Promise<ConsoledDaemon> => {
  const daemon = new ConsoledDaemon(platform, options)
  if (log !== undefined) logConsoled(daemon, new DomainAllowance(log, platform.clock))
  return daemon.open()
}
