import { type Domid, domid as toDomid } from '@split-driver/abi'
import type { StepName, StepOf, Trace, TraceRecorder, TraceStep } from '@split-driver/trace'
import { DomainTracer } from '../../src/domain-tracer.js'

/** A tracer whose time goes up by one with each look. */
export const tracerOf = (recorder: TraceRecorder, domid: Domid = toDomid(1)): DomainTracer => {
  let time = 0
  return new DomainTracer(domid, { now: () => time++, setTimer: () => ({ cancel: () => {} }) }, recorder)
}

/** A step in few words: its name, then its fields. */
export const said = ({ name, fields }: TraceStep): string =>
  [name, ...Object.entries(fields).map(([field, value]) => `${field}=${value}`)].join(' ')

export const saidBy = (trace: Trace, domid: number, group = ''): string[] =>
  trace.steps.filter((step) => step.domid === domid && step.name.startsWith(group)).map(said)

/** The steps with one name. */
export const named = <N extends StepName>(trace: Trace, name: N): StepOf<N>[] =>
  trace.steps.filter((step) => step.name === name) as unknown as StepOf<N>[]
