import { ConformanceFailure } from './assert.js'
import { eventually } from './wait.js'
import type { World } from './world.js'

/**
 * Everything that was opened has been closed. A daemon may need a moment to see that a domain is gone, so the ledger is
 * given time; what remains after that is a leak.
 */
export const assertLedgerEmpty = async (world: World): Promise<void> => {
  let open: readonly string[] = []
  const empty = async () => {
    open = await world.ledger()
    return open.length === 0
  }
  try {
    await eventually(world.dom0.clock, empty, 'the ledger to be empty')
  } catch (error) {
    throw new ConformanceFailure(`still open when the test ended: ${open.join('; ')}`, { cause: error })
  }
}
