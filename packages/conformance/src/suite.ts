import { assertLedgerEmpty } from './ledger.js'
import { within } from './wait.js'
import type { World } from './world.js'
import type { WorldCapabilities } from './world-capabilities.js'

/** XenStore daemons of Xen's own. */
export type OriginalServer = 'C xenstored' | 'oxenstored'

/** Milliseconds of the world's clock for a whole case: a world in which something hangs fails, it does not hang the runner. */
const CASE_PATIENCE_MS = 60_000

/** One thing that a world must do. Its name states the rule that it proves. */
export interface SuiteCase {
  readonly name: string
  /** What the world must be able to do for this case to make sense. */
  readonly needs?: readonly (keyof WorldCapabilities)[]
  /** Servers that are known to answer otherwise, each with the name of that difference in xenstored's DIFFERENCES.md. */
  readonly differs?: Readonly<Partial<Record<OriginalServer, string>>>
  /** Gets a world of its own, and leaves nothing open in it. */
  run(world: World, random: SuiteRandom): Promise<void>
}

/** How much a case with a random schedule does, and from which seed. */
export interface SuiteRandom {
  /** Any u32. */
  readonly seed: number
  /** Multiplies the length of random schedules; 1 suits a quick run. */
  readonly scale: number
}

/** What the caller brings: its test runner and its worlds. */
export interface SuiteOptions {
  /** Registers a test with whatever runner there is, such as vitest's `test`. */
  readonly test: (name: string, body: () => Promise<void>) => void
  /** Reports a case that this world cannot run. It must be visible: what was not run has not passed. */
  readonly notRun: (name: string, reason: string) => void
  /** A fresh world; disposed by the suite when its test has ended. */
  readonly world: () => Promise<World>
  /** What those worlds can do, known before one is made. */
  readonly supports: WorldCapabilities
  /** Which server of Xen's own keeps XenStore in those worlds; none unless given. */
  readonly server?: OriginalServer
  /** Takes a case in which that server is known to differ, where it should fail; it is not run unless given. */
  readonly differing?: (name: string, difference: string, body: () => Promise<void>) => void
  /** Seed of random schedules, u32; 1 unless given. */
  readonly seed?: number
  /** Multiplies the length of random schedules; 1 unless given. */
  readonly scale?: number
}

/** A suite: registers its cases with the caller's runner. */
export type Suite = (options: SuiteOptions) => void

/** Makes a suite of its cases. Each runs in a world of its own, and then the world's ledger must be empty. */
export const defineSuite =
  (title: string, cases: readonly SuiteCase[]): Suite =>
  (options) => {
    for (const suiteCase of cases) register(`${title}: ${suiteCase.name}`, suiteCase, options)
  }

const register = (name: string, suiteCase: SuiteCase, options: SuiteOptions): void => {
  const { server, supports, test, notRun, differing } = options
  const lacking = (suiteCase.needs ?? []).filter((need) => !supports[need])
  const body = () => runCase(suiteCase, options)
  const difference = server && suiteCase.differs?.[server]
  if (lacking.length > 0) notRun(name, `this world does not support ${lacking.join(', ')}`)
  else if (difference === undefined) test(name, body)
  else if (differing) differing(name, difference, body)
  else notRun(name, `${server} differs: ${difference}`)
}

const runCase = async (suiteCase: SuiteCase, options: SuiteOptions): Promise<void> => {
  await using world = await options.world()
  const scale = options.scale ?? 1
  const run = suiteCase.run(world, { seed: options.seed ?? 1, scale })
  await within(world.dom0.clock, run, 'the case to end', CASE_PATIENCE_MS * Math.max(1, scale))
  await assertLedgerEmpty(world)
}
