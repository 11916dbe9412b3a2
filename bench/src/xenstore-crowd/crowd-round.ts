import { DOM0, type Domid, type FrameNumber, type Port } from '@split-driver/abi'
import { StoreMachine } from '@split-driver/conformance'
import type { Clock } from '@split-driver/platform'
import { channelPair, RingChannel, XenStoreClient } from '@split-driver/xenbus'
import { XenstoreServer } from '@split-driver/xenstored'
import { HostileDomain, MISDEEDS, OPEN_PATH } from './hostile-domain.js'

/** Hostile domains, as many of each misdeed. */
const HOSTILE = 100

const HONEST = 1 as Domid

/** How long the honest domain's answers are counted, milliseconds. */
const WINDOW_MS = 600

const domidsOf = (count: number): Domid[] => Array.from({ length: count }, (_, index) => (index + 2) as Domid)

/** What a round has measured. */
export interface CrowdRound {
  /** Writes per second of the honest domain, which asks for one thing at a time. */
  readonly perSecond: number
  /** What is wrong with the server afterwards. */
  readonly fault: string | undefined
}

/** One server, one honest domain, and as many hostile ones as there are to be; everything in one thread. */
export class CrowdWorld implements Disposable {
  readonly #machine = new StoreMachine()
  readonly #server: XenstoreServer
  readonly #dom0: XenStoreClient
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
    const { events, mapper } = this.#machine
    this.#server = new XenstoreServer({ events, mapper, clock })
    const [ours, theirs] = channelPair()
    this.#server.accept(theirs, { domid: DOM0, privileged: true })
    this.#dom0 = new XenStoreClient(ours)
  }

  async measure(hostile: number): Promise<CrowdRound> {
    await this.#dom0.mkdir(OPEN_PATH)
    await this.#dom0.setPermissions(OPEN_PATH, [{ domid: DOM0, kind: 'both' }])
    for (const domid of [HONEST, ...domidsOf(hostile)]) await this.#introduce(domid)
    const crowd = domidsOf(hostile).map(
      (domid, index) => new HostileDomain(this.#machine, this.#clock, domid, MISDEEDS[index % MISDEEDS.length]!),
    )
    // The crowd is in full swing before anything is counted.
    await this.#pass(WINDOW_MS / 3)
    const perSecond = await this.#honestWork(() => crowd.reduce((sum, { ownMs }) => sum + ownMs, 0))
    for (const domain of crowd) domain.stop()
    await this.#pass(WINDOW_MS / 3)
    const said = await this.#dom0.control('check')
    return { perSecond, fault: said === 'OK' ? undefined : said }
  }

  [Symbol.dispose](): void {
    this.#server[Symbol.dispose]()
  }

  /** @param elsewhere milliseconds of this thread that would not have passed, had the others threads of their own */
  async #honestWork(elsewhere: () => number): Promise<number> {
    const channel = RingChannel.front(this.#machine.pages.get(HONEST)!, () => this.#machine.raise(HONEST))
    this.#machine.onNotify.set(HONEST, () => channel.wake())
    const client = new XenStoreClient(channel)
    const [began, before] = [this.#clock.now(), elsewhere()]
    let done = 0
    for (; this.#clock.now() - began < WINDOW_MS; done++) await client.write('state', String(done))
    return (done * 1000) / (this.#clock.now() - began - (elsewhere() - before))
  }

  async #introduce(domid: Domid): Promise<void> {
    this.#machine.addDomain(domid)
    await this.#dom0.mkdir(`/local/domain/${domid}`)
    await this.#dom0.setPermissions(`/local/domain/${domid}`, [{ domid, kind: 'none' }])
    this.#server.introduce(domid, 0 as FrameNumber, 1 as Port)
  }

  #pass(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.#clock.setTimer(milliseconds, resolve))
  }
}

/** What the honest domain has of the server alone, and among a hundred hostile ones. */
export const runCrowdRound = async (clock: Clock): Promise<{ alone: CrowdRound; among: CrowdRound }> => {
  const measure = async (hostile: number): Promise<CrowdRound> => {
    using world = new CrowdWorld(clock)
    return await world.measure(hostile)
  }
  return { alone: await measure(0), among: await measure(HOSTILE) }
}
