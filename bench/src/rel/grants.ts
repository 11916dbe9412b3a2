import { DOM0, DOMID_SELF } from '@split-driver/abi'
import { type GrantParty, type GrantsUnderTest, runGrantSchedule, SeededRandom } from '@split-driver/conformance'
import { type EmulatedPlatform, Machine } from '@split-driver/emulator'
import type { RelOptions, RelOutcome, RelSuite } from './rel-suite.js'

/** Calls of a schedule. */
const STEPS = 24

/** Pages of a domain that schedules may use. */
const PAGES = 3

/** A hypervisor with a control domain and two guests. */
const createMachine = (): GrantsUnderTest => {
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

/** Which frames are the domain's, its grant table tells once some are shared. */
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

export const suite: RelSuite = {
  name: 'grants',
  describe: `one try is ${STEPS} random grant-table calls and writes of three domains, equal to a written model after each`,
  run: async ({ n, seed, progress }: RelOptions): Promise<RelOutcome> => {
    const violations: string[] = []
    const random = new SeededRandom(seed)
    let machine = createMachine()
    for (let done = 0; done < n; progress(++done)) {
      const own = n === 1 ? seed : random.u32()
      try {
        runGrantSchedule(machine, { seed: own, steps: STEPS })
      } catch (error) {
        violations.push(`schedule ${done}, --n 1 --seed ${own}: ${error instanceof Error ? error.message : error}`)
        machine = createMachine()
      }
    }
    return { done: n, violations, detail: { steps: n * STEPS } }
  },
}
