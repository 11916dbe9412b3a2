import { type Domid, XenError } from '@split-driver/abi'
import type { Clock } from '@split-driver/platform'
import type { StepName, StepValues } from './step-fields.js'
import type { StepValue, TraceRecorder } from './trace-recorder.js'

type Step = <N extends StepName>(name: N, ...values: StepValues<N>) => void

/** Writes the steps of one domain into a recorder, with the domain's own time. */
export class DomainTracer {
  readonly domid: Domid
  readonly recorder: TraceRecorder
  readonly #clock: Clock

  constructor(domid: Domid, clock: Clock, recorder: TraceRecorder) {
    this.domid = domid
    this.recorder = recorder
    this.#clock = clock
  }

  /** The values in the order of the step's fields. Parameters one by one, because a list would be an object a step. */
  readonly step: Step = ((
    name: StepName,
    first?: StepValue,
    second?: StepValue,
    third?: StepValue,
    fourth?: StepValue,
    fifth?: StepValue,
  ) => this.recorder.add(this.domid, this.#clock.now(), name, first, second, third, fourth, fifth)) as Step
}

/** What an error is called in a trace: its code, or its class where it has none. */
export const errorName = (error: unknown): string => {
  if (XenError.is(error)) return error.code
  return error instanceof Error ? error.name : 'unknown'
}
