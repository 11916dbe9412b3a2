import {
  DOMID_SELF,
  type Domid,
  type FrameNumber,
  type GrantRef,
  PAGE_WORDS,
  type SharedMemory,
} from '@split-driver/abi'
import { SeededRandom } from '@split-driver/conformance'
import type { EmulatedPlatform, Program } from '@split-driver/emulator'
import { type GrantAccess, type GrantTable, GrantTableV1, GrantTableV2 } from '@split-driver/grant'
import { Holder, PAGE_WORD, RACED_REFS, type RaceArgument, RaceBoard } from './race-board.js'

/** Looks at an entry before its user counts as stuck. */
const PATIENCE = 20_000_000

/** A page that is granted to one mapper after the other, and taken back in between. */
class RacedPage {
  readonly #board: RaceBoard
  readonly #random: SeededRandom
  readonly #table: GrantTable
  readonly #ref: GrantRef
  readonly #frame: FrameNumber
  readonly #memory: SharedMemory
  readonly #at: number
  #access: GrantAccess | undefined
  #secret = 0

  constructor(
    board: RaceBoard,
    random: SeededRandom,
    table: GrantTable,
    ref: GrantRef,
    page: { frame: FrameNumber; memory: SharedMemory; at: number },
  ) {
    this.#board = board
    this.#random = random
    this.#table = table
    this.#ref = ref
    this.#frame = page.frame
    this.#memory = page.memory
    this.#at = page.at
  }

  grant(to: Domid): void {
    if (this.#access !== undefined) return
    if (this.#load(PAGE_WORD.scratch) !== this.#secret)
      this.#board.report('a page was written to after access to it had ended')
    const isSubPage = this.#table instanceof GrantTableV2 && this.#random.below(3) === 0
    this.#access = this.#random.pick(['read-only', 'writable'] as const)
    this.#store(PAGE_WORD.isSubPage, isSubPage ? 1 : 0)
    this.#store(PAGE_WORD.holder, Holder.everybody)
    if (this.#table instanceof GrantTableV2 && isSubPage)
      this.#table.grantSubPage(this.#ref, to, { frame: this.#frame, offset: 0, length: 12 }, this.#access)
    else this.#table.grantAccess(this.#ref, to, this.#frame, this.#access)
  }

  takeBack(): void {
    if (this.#access === undefined) return
    for (let looks = 0; !this.#table.endAccess(this.#ref); looks++)
      if (looks === PATIENCE) this.#board.report('access did not end though nobody used the page any more')
    if (this.#access === 'read-only' && this.#load(PAGE_WORD.scratch) !== this.#secret)
      this.#board.report('a page that was granted for reading was written to')
    this.#access = undefined
    this.#secret = this.#random.u32() | 0
    this.#store(PAGE_WORD.holder, Holder.owner)
    this.#store(PAGE_WORD.scratch, this.#secret)
  }

  #load(word: number): number {
    return this.#memory.loadOrdered(this.#at + word)
  }

  #store(word: number, value: number): void {
    this.#memory.storeOrdered(this.#at + word, value)
  }
}

/** The platform's pages are shared with the domain itself, so that they stay in reach; races go through other entries. */
const racedPages = (
  { domid, sharer, hypercalls: { grantTable } }: EmulatedPlatform,
  argument: RaceArgument,
): RacedPage[] => {
  const [tableFrame] = grantTable.setupTable({ dom: DOMID_SELF, nrFrames: 1 }).frameList
  const entries = grantTable.page(tableFrame!)
  const statusFrames = grantTable.getStatusFrames({ dom: DOMID_SELF, nrFrames: argument.version - 1 }).frameList
  const statuses = statusFrames.map((frame) => grantTable.page(frame))
  const table = argument.version === 1 ? new GrantTableV1([entries]) : new GrantTableV2([entries], statuses)
  const own = sharer.share(domid, RACED_REFS.length, 'writable')
  const board = new RaceBoard(argument.board)
  const random = new SeededRandom(argument.seed)
  return RACED_REFS.map((ref, i) => {
    const frame = table.query(own.refs[i]!).frame
    return new RacedPage(board, random, table, ref as GrantRef, { frame, memory: own.memory, at: i * PAGE_WORDS })
  })
}

/** Grants and takes back until the mappers are done. */
export const program: Program = async ({ platform, argument }) => {
  const race = argument as RaceArgument
  const board = new RaceBoard(race.board)
  const random = new SeededRandom(race.seed ^ 0x5bd1e995)
  const pages = racedPages(platform, race)
  while (board.finished < race.mappers.length) {
    random.pick(pages).grant(random.pick(race.mappers) as Domid)
    if (random.below(2) === 0) random.pick(pages).takeBack()
  }
  for (const page of pages) page.takeBack()
}
