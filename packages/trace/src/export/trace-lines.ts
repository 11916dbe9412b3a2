import type { Trace, TraceStep } from '../trace.js'
import { LabelIndex } from './label-index.js'

/** The trace as lines for a person: time in milliseconds, domain, step, and each field by its name. */
export const traceLines = (trace: Trace): string[] => {
  const labels = new LabelIndex(trace)
  const lines = trace.steps.map((step) => lineOf(step, labels))
  return trace.dropped === 0 ? lines : [`${trace.dropped} older steps were dropped`, ...lines]
}

const lineOf = (step: TraceStep, labels: LabelIndex): string => {
  const fields = Object.entries(step.fields).map(([name, value]) => {
    const kind = name === 'ring' || name === 'port' ? name : undefined
    const label = kind && typeof value === 'number' ? labels.find(step.domid, kind, value) : undefined
    return `${name}=${shown(value)}${label === undefined ? '' : ` (${label})`}`
  })
  return `${step.time.toFixed(6).padStart(14)} ms  domain ${step.domid}  ${step.name.padEnd(26)} ${fields.join(' ')}`
}

/** What a peer wrote may hold anything: it stays on its line, and commands no terminal. */
const shown = (value: unknown): string => {
  if (Array.isArray(value)) return value.join()
  if (typeof value !== 'string' || /^[\w./:@-]+$/.test(value)) return String(value)
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
