import { DOMID_SELF, type Domid, type FrameNumber } from '@split-driver/abi'
import {
  type GrantFramesAnswer,
  GrantStatus,
  type GrantTable,
  GrantTableV1,
  GrantTableV2,
  grantError,
} from '@split-driver/grant'
import { FrameMemory } from './frame-memory.js'
import type { GrantCalls } from './hypervisor/grant-calls.js'
import type { MachineMemory } from './machine-memory.js'

/** A domain's grant table as its own kernel holds it. */
export interface OpenGrantTable {
  readonly table: GrantTable
  /** Asks the hypervisor for one more page of it. @returns by how many entries it grew; 0 if it may not, or cannot */
  grow(): number
}

/** Sets a domain's table up, in the form of `version`, with the pages that it has. @throws XenError EBUSY ERANGE ENOMEM */
export const openGrantTable = (
  domid: Domid,
  memory: MachineMemory,
  calls: GrantCalls,
  version: 1 | 2,
): OpenGrantTable => {
  calls.setVersion(domid, version)
  const { nrFrames } = calls.querySize(domid, DOMID_SELF)
  const pages = new TablePages(domid, memory, calls)
  const frames = pages.grantFrames(nrFrames, 0)
  const table = version === 1 ? new GrantTableV1(frames) : new GrantTableV2(frames, pages.statusFrames(0))
  const grow = (): number => {
    const before = table.entryCount
    const { nrFrames: has, maxNrFrames } = calls.querySize(domid, DOMID_SELF)
    if (has >= maxNrFrames || !pages.canGrow(has + 1)) return 0
    for (const frame of pages.grantFrames(has + 1, has)) table.addFrame(frame)
    if (table instanceof GrantTableV2)
      for (const frame of pages.statusFrames(pages.statusCount)) table.addStatusFrame(frame)
    return table.entryCount - before
  }
  return { table, grow }
}

class TablePages {
  /** Status frames that the table has been given. */
  statusCount = 0
  readonly #domid: Domid
  readonly #memory: MachineMemory
  readonly #calls: GrantCalls

  constructor(domid: Domid, memory: MachineMemory, calls: GrantCalls) {
    this.#domid = domid
    this.#memory = memory
    this.#calls = calls
  }

  canGrow(nrFrames: number): boolean {
    return this.#calls.setupTable(this.#domid, { dom: DOMID_SELF, nrFrames }).status === GrantStatus.GNTST_okay
  }

  /** Those from `first` on. */
  grantFrames(nrFrames: number, first: number): FrameMemory[] {
    return this.#pages(this.#calls.setupTable(this.#domid, { dom: DOMID_SELF, nrFrames }), first)
  }

  statusFrames(first: number): FrameMemory[] {
    const nrFrames = this.#calls.statusFrameCount(this.#domid)
    const pages = this.#pages(this.#calls.getStatusFrames(this.#domid, { dom: DOMID_SELF, nrFrames }), first)
    this.statusCount = nrFrames
    return pages
  }

  #pages({ status, frameList }: GrantFramesAnswer, first: number): FrameMemory[] {
    if (status !== GrantStatus.GNTST_okay) throw grantError(status, 'the grant table cannot be set up')
    const page = (frame: FrameNumber) => new FrameMemory(this.#memory, frame, 1, 'writable')
    return frameList.slice(first).map(page)
  }
}
