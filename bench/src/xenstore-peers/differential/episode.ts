import type { SeededRandom } from '@split-driver/conformance'
import type { Daemon } from '../daemon.js'
import { differences, notAsked } from '../differences.js'
import type { PeerName } from '../start-peer.js'
import { OperationChooser } from './choose-operation.js'
import { crowds } from './crowds.js'
import type { Comparison, Difference, Question } from './difference.js'
import { type Aspect, aspectsOf, describeObservation } from './observation.js'
import { describe, type Operation } from './operation.js'
import { Side, SOCKET_CLIENTS } from './side.js'

/** What was compared and what was met, over all episodes. */
export class Tally {
  /** How many operations of each original were compared with ours, by its name. */
  readonly compared = new Map<string, number>()
  /** How often each known difference was met, by its id. */
  readonly differences = new Map<string, number>()
}

export interface EpisodeOutcome {
  /** Operations that were compared with one original at least. */
  readonly made: number
  /** What differs and is not known to. */
  readonly violations: readonly string[]
}

const count = (counts: Map<string, number>, name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1)

/** Asks all daemons the same, `most` operations or until both originals have parted from ours. */
export async function runEpisode(
  ours: Daemon,
  peers: readonly Daemon[],
  random: SeededRandom,
  most: number,
  tally: Tally,
): Promise<EpisodeOutcome> {
  const sides = await Promise.all([ours, ...peers].map((daemon) => Side.begin(daemon)))
  const [own, ...others] = sides as [Side, ...Side[]]
  const violations: string[] = []
  const chooser = new OperationChooser(random, SOCKET_CLIENTS)
  const crowd = random.below(25) === 0 ? random.pick(Object.values(crowds)) : []
  let made = 0
  try {
    for (; made < most && others.some(({ apart }) => !apart); made++) {
      const operation = crowd[made] ?? chooser.next(own.slots)
      const found = await askAll(operation, own, others, tally)
      violations.push(...found.map((text) => `after ${made} operations, ${text}`))
    }
  } finally {
    await Promise.all(sides.map((side) => side.end()))
  }
  return { made, violations }
}

async function askAll(operation: Operation, own: Side, others: readonly Side[], tally: Tally): Promise<string[]> {
  const stale = own.isStale(operation)
  const asked = others.filter((side) => !side.apart && mayBeAsked(questionTo(operation, stale, side), side, tally))
  const [ours, ...theirs] = await Promise.all([own, ...asked].map((side) => side.run(operation)))
  const all = [`\n    ours: ${describeObservation(ours!)}`]
  for (const [at, { daemon }] of asked.entries()) all.push(`\n    ${daemon.name}: ${describeObservation(theirs[at]!)}`)
  return asked.flatMap((side, at) => {
    count(tally.compared, side.daemon.name)
    const unknown = compare({ ...questionTo(operation, stale, side), ours: ours!, theirs: theirs[at]! }, side, tally)
    if (unknown.length === 0) return []
    side.apart = true
    return [`${side.daemon.name} differs in ${unknown.join(', ')}; ${describe(operation)}${all.join('')}`]
  })
}

/** Counts what it finds; a daemon that would hold different things from then on is left out. */
function mayBeAsked(question: Question, side: Side, tally: Tally): boolean {
  const entry = notAsked.find((entry) => entry.matches(question))
  if (entry !== undefined) note(entry.id, entry.parts === true, side, tally)
  return entry === undefined
}

function note(id: string, parts: boolean, side: Side, tally: Tally): void {
  count(tally.differences, id)
  if (parts) side.apart = true
}

const partsAt = ({ parts = false }: Difference, comparison: Comparison): boolean =>
  typeof parts === 'function' ? parts(comparison) : parts

const questionTo = (operation: Operation, stale: boolean, { daemon }: Side): Question => ({
  peer: daemon.name as PeerName,
  operation,
  stale,
  unprivileged: operation.client >= SOCKET_CLIENTS,
})

/** @returns in what the two differ that no entry of the table takes in */
function compare(comparison: Comparison, side: Side, tally: Tally): Aspect[] {
  const unknown: Aspect[] = []
  for (const aspect of aspectsOf(comparison.ours, comparison.theirs)) {
    const entry = differences.find((entry) => entry.aspect === aspect && entry.matches(comparison))
    if (entry === undefined) unknown.push(aspect)
    else note(entry.id, partsAt(entry, comparison), side, tally)
  }
  // What is told of a change that only one of them made differs with it.
  return side.apart ? unknown.filter((aspect) => aspect === 'reply' || aspect === 'connection') : unknown
}
