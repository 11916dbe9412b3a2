import { DOM0 } from '@split-driver/abi'
import type { SeededRandom } from '@split-driver/conformance'
import { XenStoreOp } from '@split-driver/xenbus'
import type { Daemon } from '../daemon.js'
import { differences, notAsked } from '../differences.js'
import type { PeerName } from '../start-peer.js'
import { OperationChooser } from './choose-operation.js'
import { SOCKET_CLIENTS } from './clients.js'
import { crowds } from './crowds.js'
import type { Comparison, Difference, Question } from './difference.js'
import { hasRoot } from './holdings.js'
import { type Aspect, aspectsOf, describeObservation } from './observation.js'
import { describe, type Operation } from './operation.js'
import { Side } from './side.js'

/** What was compared and what was met, over all episodes. */
export class Tally {
  /** How many operations there were. */
  made = 0
  /** How often an original was made to hold what ours holds. */
  rejoined = 0
  /** How many operations of each original were compared with ours, by its name. */
  readonly compared = new Map<string, number>()
  /** How often each known difference was met, by its id. */
  readonly differences = new Map<string, number>()

  /** What part of the operations was compared, by the original's name. */
  shares(): Map<string, number> {
    return new Map([...this.compared].map(([name, compared]) => [name, compared / this.made]))
  }
}

export interface EpisodeOutcome {
  readonly made: number
  /** What differs and is not known to. */
  readonly violations: readonly string[]
}

const count = (counts: Map<string, number>, name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1)

/** What one operation came to. */
interface Outcome {
  /** Originals that hold different things now. */
  readonly parted: ReadonlySet<Side>
  readonly violations: readonly string[]
}

/**
 * Asks all daemons the same, `most` operations or until one differs for good. An original that differs as it is known
 * to, and holds different things because of it, is made to hold what ours holds, and goes on.
 */
export async function runEpisode(
  ours: Daemon,
  peers: readonly Daemon[],
  random: SeededRandom,
  most: number,
  tally: Tally,
): Promise<EpisodeOutcome> {
  const sides = await Promise.all([ours, ...peers].map((daemon) => Side.begin(daemon)))
  const [own, ...others] = sides as [Side, ...Side[]]
  const chooser = new OperationChooser(random, SOCKET_CLIENTS)
  const crowd = random.below(25) === 0 ? random.pick(Object.values(crowds)) : []
  let made = 0
  try {
    while (made < most) {
      const operation = crowd[made] ?? chooser.next(own.slots)
      const { parted, violations } = await askAll(operation, own, others, tally)
      made++
      tally.made++
      if (violations.length > 0) return { made, violations: violations.map((text) => `operation ${made}, ${text}`) }
      if (parted.size > 0 && !(await rejoin(operation, own, others, parted, tally))) break
    }
  } finally {
    await Promise.all(sides.map((side) => side.end()))
  }
  return { made, violations: [] }
}

async function askAll(operation: Operation, own: Side, others: readonly Side[], tally: Tally): Promise<Outcome> {
  const circumstances = await own.circumstancesOf(operation)
  const questionTo = ({ daemon }: Side): Question => ({ ...circumstances, peer: daemon.name as PeerName, operation })
  const parted = new Set<Side>()
  const asked = others.filter((side) => mayBeAsked(questionTo(side), side, parted, tally))
  const [ours, ...theirs] = await Promise.all([own, ...asked].map((side) => side.run(operation, circumstances)))
  const all = [`\n    ours: ${describeObservation(ours!)}`]
  for (const [at, { daemon }] of asked.entries()) all.push(`\n    ${daemon.name}: ${describeObservation(theirs[at]!)}`)
  const violations = asked.flatMap((side, at) => {
    count(tally.compared, side.daemon.name)
    const comparison = { ...questionTo(side), ours: ours!, theirs: theirs[at]! }
    const unknown = compare(comparison, side, parted, tally)
    if (unknown.length === 0) return []
    return [`${side.daemon.name} differs in ${unknown.join(', ')}; ${describe(operation)}${all.join('')}`]
  })
  return { parted, violations }
}

/** @returns whether all hold the same again: what is a domain's target cannot be taken back, nor who has the root */
async function rejoin(
  { type }: Operation,
  own: Side,
  others: readonly Side[],
  parted: ReadonlySet<Side>,
  tally: Tally,
): Promise<boolean> {
  if (type === XenStoreOp.SetTarget) return false
  await Promise.all([own, ...others].map((side) => side.endTransactions()))
  const holdings = await own.holdings()
  if (!hasRoot(DOM0, holdings)) return false
  const adopted = await Promise.all([...parted].map((side) => side.adopt(holdings)))
  tally.rejoined += parted.size
  return adopted.every(Boolean)
}

/** Counts what it finds. */
function mayBeAsked(question: Question, side: Side, parted: Set<Side>, tally: Tally): boolean {
  const entry = notAsked.find((entry) => entry.matches(question))
  if (entry === undefined) return true
  count(tally.differences, entry.id)
  if (entry.parts === true) parted.add(side)
  return false
}

const partsAt = ({ parts = false }: Difference, comparison: Comparison): boolean =>
  typeof parts === 'function' ? parts(comparison) : parts

/** @returns in what the two differ that no entry of the table takes in */
function compare(comparison: Comparison, side: Side, parted: Set<Side>, tally: Tally): Aspect[] {
  const unknown: Aspect[] = []
  for (const aspect of aspectsOf(comparison.ours, comparison.theirs)) {
    const entry = differences.find((entry) => entry.aspect === aspect && entry.matches(comparison))
    if (entry === undefined) unknown.push(aspect)
    else {
      count(tally.differences, entry.id)
      if (partsAt(entry, comparison)) parted.add(side)
    }
  }
  // What is told of a change that only one of them made differs with it.
  return parted.has(side) ? unknown.filter((aspect) => aspect === 'reply' || aspect === 'connection') : unknown
}
