import { type Domid, type GrantRef, type SharedMemory, XenError } from '@split-driver/abi'
import { SeededRandom } from '@split-driver/conformance'
import type { EmulatedPlatform, Program } from '@split-driver/emulator'
import { GrantMapFlag, GrantStatus, type Mapping } from '@split-driver/grant'
import { Holder, PAGE_WORD, RACED_REFS, type RaceArgument, RaceBoard } from './race-board.js'

/** Entries of the hostile domain that are worth trying. */
const HOSTILE_REFS = 24

/** How often a mapping is looked at: long enough for the owner to see an access end, and to take its page. */
const LOOKS = 100

/** One mapper's side of the race. */
class Mapper {
  readonly #platform: EmulatedPlatform
  readonly #race: RaceArgument
  readonly #board: RaceBoard
  readonly #random: SeededRandom
  readonly #bytes = new Uint8Array(4)

  constructor(platform: EmulatedPlatform, race: RaceArgument) {
    this.#platform = platform
    this.#race = race
    this.#board = new RaceBoard(race.board)
    this.#random = new SeededRandom(race.seed ^ Math.imul(platform.domid, 0x9e37_79b9))
  }

  try(): void {
    const random = this.#random
    const isHostile = random.below(8) === 0
    const owner = (isHostile ? this.#race.hostile : this.#race.owner) as Domid
    const ref = (isHostile ? 8 + random.below(HOSTILE_REFS) : random.pick(RACED_REFS)) as GrantRef
    try {
      const kind = random.below(5)
      if (kind < 2) this.#map(owner, ref, kind === 0, isHostile)
      else if (kind === 2) this.#copyFrom(owner, ref, isHostile)
      else if (kind === 3) this.#copyTo(owner, ref)
      else this.#mapForDevice(owner, ref)
    } catch (error) {
      const isStatus = error instanceof XenError && error.code.startsWith('GNTST_')
      if (!isStatus) this.#board.report('a call failed with something that is no grant status')
    }
    this.#board.tried()
  }

  #map(owner: Domid, ref: GrantRef, isWritable: boolean, isHostile: boolean): void {
    const { mapper } = this.#platform
    const mapping = mapper.map(owner, [ref], isWritable ? 'writable' : 'read-only')
    if (!isHostile) this.#look(mapping.memory, isWritable)
    const again = isHostile || this.#random.below(4) > 0 ? undefined : this.#mapAgain(owner, ref)
    mapper.unmap(mapping)
    if (again === undefined) return
    this.#look(again.memory, false)
    mapper.unmap(again)
  }

  /** While it is mapped a page can be mapped once more; in version 1 even after its owner began to take it back. */
  #mapAgain(owner: Domid, ref: GrantRef): Mapping | undefined {
    try {
      return this.#platform.mapper.map(owner, [ref], 'read-only')
    } catch (error) {
      if (XenError.is(error, 'GNTST_general_error')) return undefined
      throw error
    }
  }

  #look(memory: SharedMemory, isWritable: boolean): void {
    for (let i = 0; i < LOOKS; i++) {
      if (memory.loadOrdered(PAGE_WORD.holder) !== Holder.everybody) {
        this.#board.report('a page was mapped though access to it had ended')
        return
      }
      if (isWritable) memory.storeOrdered(PAGE_WORD.scratch, this.#random.u32())
    }
    if (memory.loadOrdered(PAGE_WORD.isSubPage) !== 0) this.#board.report('a grant of some bytes was mapped as a page')
  }

  #copyFrom(owner: Domid, ref: GrantRef, isHostile: boolean): void {
    this.#platform.mapper.copyFrom(owner, { ref, offset: PAGE_WORD.holder * 4 }, this.#bytes)
    const holder = new DataView(this.#bytes.buffer).getInt32(0, true)
    if (!isHostile && holder !== Holder.everybody)
      this.#board.report('a page was copied from though access to it had ended')
  }

  #copyTo(owner: Domid, ref: GrantRef): void {
    this.#platform.mapper.copyTo(owner, this.#bytes, { ref, offset: PAGE_WORD.scratch * 4 })
  }

  /** Both parts of a mapping, ended one by one. */
  #mapForDevice(dom: Domid, ref: GrantRef): void {
    const { grantTable } = this.#platform.hypercalls
    const hostAddr = 4096
    const flags = GrantMapFlag.hostMap | GrantMapFlag.deviceMap | GrantMapFlag.readonly
    const [{ status, handle, devBusAddr }] = grantTable.mapGrantRef([{ dom, ref, flags, hostAddr }]) as [
      ReturnType<typeof grantTable.mapGrantRef>[number],
    ]
    if (status !== GrantStatus.GNTST_okay) return
    grantTable.unmapGrantRef([
      { handle, hostAddr, devBusAddr: 0 },
      { handle, hostAddr: 0, devBusAddr },
    ])
  }
}

export const program: Program = async ({ platform, argument }) => {
  const race = argument as RaceArgument
  const mapper = new Mapper(platform, race)
  for (let i = 0; i < race.tries; i++) mapper.try()
  new RaceBoard(race.board).finish()
}
