import type { Domid } from '@split-driver/abi'
import type { StepFields, StepName } from './step-fields.js'

/** One thing that a domain did or met. */
export type TraceStep = { [N in StepName]: StepOf<N> }[StepName]

export interface StepOf<N extends StepName> {
  /** Milliseconds of the domain's clock, with fractions. */
  readonly time: number
  /** Whose step it is. */
  readonly domid: Domid
  readonly name: N
  readonly fields: StepFields<N>
}

/** What a port or a ring is for. */
export interface TraceLabel {
  readonly domid: Domid
  readonly kind: 'port' | 'ring'
  /** The port's or the ring's number. */
  readonly number: number
  /** Such as `vbd/51712`, `console`, or `grant 9 of domain 3`. */
  readonly label: string
}

/** What a recorder holds at a moment: plain data, which can be posted to another thread and exported there. */
export interface Trace {
  /** In the order in which they were recorded, the oldest first. */
  readonly steps: readonly TraceStep[]
  /** Older steps that had to make room. */
  readonly dropped: number
  readonly labels: readonly TraceLabel[]
}

/** The traces of several threads as one, ordered by time: their domains' clocks must count from the same moment. */
export const mergeTraces = (traces: readonly Trace[]): Trace => ({
  steps: traces.flatMap(({ steps }) => steps).sort((a, b) => a.time - b.time),
  dropped: traces.reduce((sum, { dropped }) => sum + dropped, 0),
  labels: traces.flatMap(({ labels }) => labels),
})
