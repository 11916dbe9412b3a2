import { SeededRandom } from '@split-driver/conformance'
import { runEpisode, Tally } from '../xenstore-peers/differential/episode.js'
import { type Daemon, type OriginalDaemon, startOwn, startPeer } from '../xenstore-peers/index.js'
import { NODES_OF_A_GUEST } from '../xenstore-peers/quotas.js'
import type { RelSuite } from './rel-suite.js'

/** Operations on one tree; the next begin with a fresh one, and with daemons that agree again. */
const EPISODE = 150

/** So much of the operations must be compared with each original; the others are those that it would not survive. */
const LEAST_SHARE = 0.95
/** Of fewer operations a share says little. */
const LEAST_COUNT = 2_000

const quotas = { nodes: NODES_OF_A_GUEST }

/** Our daemon and the original ones. */
class Daemons implements AsyncDisposable {
  private constructor(
    readonly ours: Daemon,
    readonly originals: readonly OriginalDaemon[],
  ) {}

  /** @throws NotRun where the originals cannot be had */
  static async start(): Promise<Daemons> {
    const originals = [await startPeer('C xenstored', quotas)]
    try {
      originals.push(await startPeer('oxenstored', quotas))
      return new Daemons(await startOwn(quotas), originals)
    } catch (error) {
      for (const daemon of originals) await daemon[Symbol.asyncDispose]()
      throw error
    }
  }

  /** What became of those that ended by themselves. */
  endings(): string {
    const ended = this.originals.flatMap((daemon) => (daemon.ending() ? [`; ${daemon.name} ${daemon.ending()}`] : []))
    return ended.join('')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const daemon of [this.ours, ...this.originals]) await daemon[Symbol.asyncDispose]()
  }
}

export const suite: RelSuite = {
  name: 'xenstore-originals',
  describe:
    'one random request to C xenstored, oxenstored and ours; replies and watch events are equal, or the difference is known',
  run: async ({ n, seed, progress }) => {
    const violations: string[] = []
    const tally = new Tally()
    let daemons = await Daemons.start()
    let done = 0
    try {
      for (let episode = 0; done < n; episode++) {
        const most = Math.min(EPISODE, n - done)
        // Each episode has a seed of its own, so that one that failed can be run alone.
        const episodeSeed = (seed + episode) >>> 0
        const random = new SeededRandom(episodeSeed)
        try {
          const { made, violations: found } = await runEpisode(daemons.ours, daemons.originals, random, most, tally)
          for (const text of found) violations.push(`--seed ${episodeSeed} --n ${most}: ${text}`)
          done += made
        } catch (error) {
          violations.push(`--seed ${episodeSeed} --n ${most}: ${(error as Error).message}${daemons.endings()}`)
          await daemons[Symbol.asyncDispose]()
          daemons = await Daemons.start()
          done += most
        }
        progress(done)
      }
    } finally {
      await daemons[Symbol.asyncDispose]()
    }
    const shares = tally.shares()
    for (const [name, share] of shares) {
      const low = share < LEAST_SHARE && n >= LEAST_COUNT
      if (low) violations.push(`only ${share.toFixed(3)} of the operations were compared with ${name}`)
    }
    const detail = {
      compared: Object.fromEntries(tally.compared),
      shares: Object.fromEntries(shares),
      rejoined: tally.rejoined,
      differences: Object.fromEntries(tally.differences),
    }
    return { done, violations, detail }
  },
}
