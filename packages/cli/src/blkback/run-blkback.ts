import type { Platform } from '@split-driver/platform'
import { DomainAllowance } from '../logging/domain-allowance.js'
import type { Log } from '../logging/log.js'
import type { BlkbackConfig } from './blkback-config.js'
import { BlkbackDaemon } from './blkback-daemon.js'
import { logBlkback } from './log-blkback.js'

export interface RunBlkbackOptions {
  /** Is told what happens; nothing is said unless given. */
  readonly log?: Log
}

/**
 * Serves disks on any world: `split-driver blkback` is this over a real host.
 *
 *     await using daemon = await runBlkback(host.dom0, await readBlkbackConfig('blkback.json'))
 *
 * @returns when it serves what there is
 * @throws XenError if XenStore refuses the watches
 */
export const runBlkback = async (
  platform: Platform,
  config: BlkbackConfig,
  { log }: RunBlkbackOptions = {},
): Promise<BlkbackDaemon> => {
  const daemon = new BlkbackDaemon(platform, config)
  if (log !== undefined) logBlkback(daemon, new DomainAllowance(log, platform.clock))
  return daemon.open()
}
