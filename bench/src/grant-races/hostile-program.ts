import { DOMID_SELF, type GrantRef, type SharedMemory, XenError } from '@split-driver/abi'
import { SeededRandom } from '@split-driver/conformance'
import type { EmulatedPlatform, Program } from '@split-driver/emulator'
import { GrantFlag } from '@split-driver/grant'
import { type RaceArgument, RaceBoard } from './race-board.js'

/** Writes whatever it likes to its table, and changes the table under whoever uses it. */
class Hostile {
  readonly #platform: EmulatedPlatform
  readonly #race: RaceArgument
  readonly #random: SeededRandom
  readonly #entries: SharedMemory
  readonly #frame: number

  constructor(platform: EmulatedPlatform, race: RaceArgument) {
    this.#platform = platform
    this.#race = race
    this.#random = new SeededRandom(race.seed ^ 0x7f4a_7c15)
    const { grantTable } = platform.hypercalls
    this.#entries = grantTable.page(grantTable.setupTable({ dom: DOMID_SELF, nrFrames: 1 }).frameList[0]!)
    const own = platform.sharer.share(platform.domid, 1, 'writable')
    this.#frame = this.#entries.load(own.refs[0]! * (race.version === 1 ? 2 : 4) + (race.version === 1 ? 1 : 2))
  }

  act(): void {
    const { grantTable } = this.#platform.hypercalls
    const random = this.#random
    const what = random.below(64)
    if (what > 2) this.#write(random.below(32))
    else if (what === 0) grantTable.setVersion(1 + random.below(2))
    else if (what === 1) grantTable.swapGrantRef([{ refA: this.#ref(), refB: this.#ref() }])
    else grantTable.setupTable({ dom: DOMID_SELF, nrFrames: 1 + random.below(4) })
  }

  /** Words of an entry of either version: pages, bytes, grants that are passed on, circles of them. */
  #write(ref: number): void {
    const random = this.#random
    const domid = random.pick(this.#race.mappers)
    const flags = random.pick([0, 1, 1, 1, 3, 3, 1 | GrantFlag.subPage]) | (random.below(2) * GrantFlag.readonly)
    const word = ref * (random.below(2) === 0 ? 2 : 4)
    this.#entries.store(word + 1, random.pick([this.#frame, this.#race.owner, this.#platform.domid, random.u32()]))
    this.#entries.store(word + 2, random.pick([this.#frame, random.pick([64, 65, 8, 9]), random.u32()]))
    this.#entries.store(word + 3, random.below(8) === 0 ? 1 : 0)
    this.#entries.storeOrdered(word, (domid << 16) | flags)
  }

  #ref(): GrantRef {
    return (8 + this.#random.below(24)) as GrantRef
  }
}

export const program: Program = async ({ platform, argument }) => {
  const race = argument as RaceArgument
  const board = new RaceBoard(race.board)
  const hostile = new Hostile(platform, race)
  while (board.finished < race.mappers.length) {
    try {
      hostile.act()
    } catch (error) {
      if (!XenError.is(error, 'EBUSY', 'ERANGE')) throw error
    }
  }
}
