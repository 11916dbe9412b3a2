import { DOM0, DOMID_SELF } from '@split-driver/abi'
import type { GrantParty, GrantsUnderTest } from '@split-driver/conformance'
import { type EmulatedPlatform, Machine } from '@split-driver/emulator'

/** Pages of a domain that schedules may use. */
const PAGES = 3

/** The emulator's hypervisor with a control domain and two guests, for schedules of grant calls. */
export const createGrantMachine = (): GrantsUnderTest => {
  const machine = Machine.create({ memoryMiB: 8, maxDomains: 4 })
  const plan = { memoryPages: 32, maxGrantFrames: 3, maxMaptrackFrames: 1 }
  const built = [machine.buildControlDomain(plan), machine.buildGuest(plan), machine.buildGuest(plan)]
  const { grants } = machine.calls
  return {
    parties: built.map(({ domid }) => partyOf(machine, machine.attach(domid))),
    useCounts: (granter, ref) => grants.useCounts(granter, ref),
    mappingCount: (domid) => grants.heldCount(domid),
  }
}

const partyOf = (machine: Machine, { domid, sharer, hypercalls }: EmulatedPlatform): GrantParty => {
  const op = hypercalls.grantTable
  const [first] = op.setupTable({ dom: DOMID_SELF, nrFrames: 1 }).frameList
  const entries = op.page(first!)
  const pages = sharer.share(DOM0, PAGES, 'writable')
  const frames = pages.refs.map((ref) => entries.load(ref * 2 + 1) as GrantParty['frames'][number])
  sharer.unshare(pages)
  for (const ref of pages.refs) entries.store(ref * 2 + 1, 0)
  const bytes = (frame: number) => machine.memory.bytes.subarray(frame * 4096, (frame + 1) * 4096)
  return { domid, isPrivileged: domid === DOM0, op, frames, bytes }
}
