import type { Domid } from '@split-driver/abi'
import { SeededRandom } from '@split-driver/conformance'
import { Machine, type Vcpu } from '@split-driver/emulator'
import { startWorkerThread } from '@split-driver/emulator/node'
import { BOARD, type RaceArgument, RaceBoard } from '../grant-races/race-board.js'
import type { RelOptions, RelOutcome, RelSuite } from './rel-suite.js'

const TRIES_PER_RACE = 20_000

/** How often a race says how far it is. */
const PROGRESS_MS = 100

const programs = {
  owner: new URL('../grant-races/owner-program.js', import.meta.url).href,
  hostile: new URL('../grant-races/hostile-program.js', import.meta.url).href,
  mapper: new URL('../grant-races/mapper-program.js', import.meta.url).href,
}

interface Race {
  readonly seed: number
  readonly version: 1 | 2
  readonly tries: number
}

/** What is wrong once all domains have come to rest: nothing may be in use, and no frame missing when they are gone. */
const leftovers = (machine: Machine, domids: readonly Domid[], free: number): string[] => {
  const { grants, domains } = machine.calls
  const wrong = domids.flatMap((domid) => [
    ...(grants.heldCount(domid) > 0 ? [`domain ${domid} holds mappings at the end`] : []),
    ...(grants.pinnedCount(domid) > 0 ? [`grants of domain ${domid} are in use at the end`] : []),
  ])
  for (const domid of domids) {
    domains.kill(domid)
    domains.reap(domid)
  }
  return machine.xen.frames.countFree() === free ? wrong : [...wrong, 'frames are missing at the end']
}

/** One race: an owner, two mappers and a hostile domain, a thread each. @returns tries and what was wrong */
const runRace = async ({ seed, version, tries }: Race, progress: (tries: number) => void) => {
  const machine = Machine.create({ mode: 'threads', memoryMiB: 8, maxDomains: 8, attaching: { grantVersion: version } })
  machine.buildControlDomain({ memoryPages: 16 })
  const free = machine.xen.frames.countFree()
  const [owner, hostile, ...mappers] = [0, 1, 2, 3].map(() => machine.buildGuest({ memoryPages: 32 }).domid)
  const buffer = new SharedArrayBuffer(BOARD.words * 4)
  const shared = new RaceBoard(buffer)
  const argument: RaceArgument = {
    board: buffer,
    seed,
    mappers,
    owner: owner!,
    hostile: hostile!,
    tries: Math.ceil(tries / mappers.length),
    version,
  }
  const start = (domid: Domid, href: string): Vcpu => startWorkerThread({ machine, domid, program: { href }, argument })
  const vcpus = [
    start(owner!, programs.owner),
    start(hostile!, programs.hostile),
    ...mappers.map((domid) => start(domid, programs.mapper)),
  ]
  const timer = setInterval(() => progress(shared.tries), PROGRESS_MS)
  const ends = await Promise.all(vcpus.map(({ exited }) => exited))
  clearInterval(timer)
  const wrong = shared.seen()
  for (const end of ends) if (end.how === 'crashed') wrong.push(`a domain crashed: ${end.error.stack}`)
  wrong.push(...leftovers(machine, [owner!, hostile!, ...mappers], free))
  return { tries: shared.tries, wrong }
}

/** Rules 68 to 71 and G3 to G5, with domains that really run at the same time. */
export const suite: RelSuite = {
  name: 'grant-races',
  describe:
    'one try is a mapping or a copy, in parallel with the owner that takes pages back and with a hostile domain',
  run: async ({ n, seed, progress }: RelOptions): Promise<RelOutcome> => {
    const random = new SeededRandom(seed)
    const violations: string[] = []
    let done = 0
    for (let race = 0; done < n; race++) {
      const own = { seed: random.u32(), version: (1 + (race % 2)) as 1 | 2, tries: Math.min(TRIES_PER_RACE, n - done) }
      const before = done
      const { tries, wrong } = await runRace(own, (made) => progress(Math.min(n, before + made)))
      violations.push(...wrong.map((what) => `race ${race}, version ${own.version}: ${what}`))
      done += tries
      progress(Math.min(n, done))
    }
    return { done: Math.min(n, done), violations, detail: { triesPerRace: TRIES_PER_RACE } }
  },
}
