import type { PeerName } from '../start-peer.js'
import type { StandingNode } from './ancestry.js'
import type { Registration } from './holdings.js'
import type { Aspect, Observation } from './observation.js'
import type { Operation } from './operation.js'
import type { TransactionPast } from './timeline.js'

/** What our daemon's side knows before an operation is asked. */
export interface Circumstances {
  /** Whether the asking client is a guest behind a ring, not of domain 0. */
  readonly unprivileged: boolean
  /** By domain, the one that it acts for. */
  readonly targets: ReadonlyMap<number, number>
  /** In the order in which they were made. */
  readonly watches: readonly Registration[]
  /** The nodes on the way to the operation's, outside of transactions; none if it is not about a node. */
  readonly ancestry: readonly StandingNode[]
  /** Of the transaction that it is in. */
  readonly past: TransactionPast | undefined
}

/** One operation that one of the originals is about to be asked. */
export interface Question extends Circumstances {
  readonly peer: PeerName
  readonly operation: Operation
}

/** One operation, as our daemon and one of the originals took it. */
export interface Comparison extends Question {
  readonly ours: Observation
  readonly theirs: Observation
}

interface Described {
  /** In kebab-case; the page and the suite's report name it by this. */
  readonly id: string
  /** What is asked. */
  readonly what: string
  readonly answers: { readonly 'C xenstored': string; readonly oxenstored: string; readonly ours: string }
  /** Why ours answers as it does. */
  readonly why: string
  /** The daemons hold different things from then on, so that the original is made to hold what ours holds. */
  readonly parts?: boolean
}

/** A point where our daemon and one of the originals differ, and are known to. */
export interface Difference extends Omit<Described, 'parts'> {
  readonly parts?: boolean | ((comparison: Comparison) => boolean)
  readonly aspect: Aspect
  /** As narrow as can be: what it takes in is not looked at any more. */
  matches(comparison: Comparison): boolean
}

/** What an original is not asked at all, because it would not survive it. */
export interface Omission extends Described {
  readonly aspect: 'request'
  matches(question: Question): boolean
}
