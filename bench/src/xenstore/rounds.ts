import type { MeasuredDaemon } from './daemons.js'
import type { LoadClient, Place, Round } from './load-client.js'
import type { Work } from './work.js'

/** On a machine that is busy with other things fewer rounds must do after so many milliseconds. */
const PATIENCE_MS = 10_000
const FEWEST = 3

/**
 * Many short rounds by turns, and each daemon's best: whatever else the machine does takes whole slices of time from
 * whoever runs then, and is no property of any of them.
 */
export const measureWork = async (
  work: Work,
  places: ReadonlyMap<MeasuredDaemon['name'], Place>,
  client: LoadClient,
  rounds: number,
): Promise<Map<MeasuredDaemon['name'], Round>> => {
  const best = new Map<MeasuredDaemon['name'], Round>()
  const start = performance.now()
  const isLate = (): boolean => performance.now() - start > PATIENCE_MS
  for (let round = 0; round < rounds && !(round >= FEWEST && isLate()); round++) {
    for (const [name, place] of places) {
      const measured = await client.measure(place, work)
      if (measured.rate > (best.get(name)?.rate ?? 0)) best.set(name, measured)
    }
  }
  return best
}
