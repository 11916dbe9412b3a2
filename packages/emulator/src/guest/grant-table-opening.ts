import { DOMID_SELF, type Domid, type FrameNumber } from '@split-driver/abi'
import {
  GRANT_ENTRIES_V2_PER_FRAME,
  GRANT_STATUSES_PER_FRAME,
  type GrantFramesAnswer,
  GrantStatus,
  type GrantTable,
  GrantTableV1,
  GrantTableV2,
  grantError,
} from '@split-driver/grant'
import type { GrantCalls } from '../hypervisor/grant-calls.js'
import { FrameMemory } from '../memory/frame-memory.js'
import type { MachineMemory } from '../memory/machine-memory.js'

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
  let nrFrames = calls.querySize(domid, DOMID_SELF).nrFrames
  let nrStatusFrames = 0
  const newPages = ({ status, frameList }: GrantFramesAnswer, known: number): FrameMemory[] => {
    if (status !== GrantStatus.GNTST_okay) throw grantError(status, 'the grant table cannot be set up')
    return frameList.slice(known).map((frame: FrameNumber) => new FrameMemory(memory, frame, 1, 'writable'))
  }
  const newStatusPages = (): FrameMemory[] => {
    const known = nrStatusFrames
    nrStatusFrames = Math.ceil((nrFrames * GRANT_ENTRIES_V2_PER_FRAME) / GRANT_STATUSES_PER_FRAME)
    return newPages(calls.getStatusFrames(domid, { dom: DOMID_SELF, nrFrames: nrStatusFrames }), known)
  }
  const frames = newPages(calls.setupTable(domid, { dom: DOMID_SELF, nrFrames }), 0)
  const table = version === 1 ? new GrantTableV1(frames) : new GrantTableV2(frames, newStatusPages())
  const grow = (): number => {
    const before = table.entryCount
    const answer = calls.setupTable(domid, { dom: DOMID_SELF, nrFrames: nrFrames + 1 })
    if (answer.status !== GrantStatus.GNTST_okay) return 0
    for (const frame of newPages(answer, nrFrames)) table.addFrame(frame)
    nrFrames++
    if (table instanceof GrantTableV2) for (const frame of newStatusPages()) table.addStatusFrame(frame)
    return table.entryCount - before
  }
  return { table, grow }
}
