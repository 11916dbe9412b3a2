import type { Trace, TraceStep } from '../trace.js'
import type { ChromeEvent, ChromeTrace } from './chrome-event.js'
import { type SpanEdge, spanEdgeOf, spanKey, spanTitle } from './chrome-spans.js'
import { type ChromeTrack, ChromeTracks } from './chrome-tracks.js'
import { LabelIndex } from './label-index.js'

/**
 * The trace in Chrome's trace event format, for Perfetto (ui.perfetto.dev) or chrome://tracing: a process for each domain, a
 * thread for each port and ring; deliveries until their end of interrupt, requests until their response, mappings and
 * XenStore requests are spans; all else are instants. `JSON.stringify` it.
 */
export const chromeTrace = (trace: Trace): ChromeTrace => {
  const writer = new ChromeWriter(new LabelIndex(trace))
  for (const step of trace.steps) writer.add(step)
  return {
    traceEvents: writer.finish(trace.steps.at(-1)?.time ?? 0),
    displayTimeUnit: 'ns',
    otherData: { producer: 'split-driver', droppedSteps: trace.dropped },
  }
}

type Unfinished = Omit<ChromeEvent, 'ts' | 'args'>

class ChromeWriter {
  readonly #tracks: ChromeTracks
  readonly #events: ChromeEvent[] = []
  /** What began and has not ended: the event that would end it. */
  readonly #open = new Map<string, Unfinished>()
  #spans = 0

  constructor(labels: LabelIndex) {
    this.#tracks = new ChromeTracks(labels)
  }

  add(step: TraceStep): void {
    const track = this.#tracks.trackOf(step)
    const edge = spanEdgeOf(step.name)
    if (edge !== undefined) this.#edge(edge, step, track)
    else if (step.name === 'event.deliver') this.#delivered(step, track)
    else if (step.name === 'event.eoi') this.#end(serviceKey(track), step, track)
    else this.#instant(step, track)
    // A port that is given back will have no end of interrupt any more.
    if (step.name === 'event.unbind') this.#cut(serviceKey(track), step.time, 'unbound')
  }

  /** All events, those first that say what processes and threads are called. What still lasts ends with the trace. */
  finish(time: number): ChromeEvent[] {
    for (const key of [...this.#open.keys()]) this.#cut(key, time, 'the end of the trace')
    return [...this.#tracks.metadata(), ...this.#events]
  }

  #delivered(step: TraceStep, { pid, tid }: ChromeTrack): void {
    const key = serviceKey({ tid })
    this.#cut(key, step.time, 'another delivery')
    this.#events.push({ name: 'in service', cat: 'event', ph: 'B', ts: micro(step), pid, tid, args: argsOf(step) })
    this.#open.set(key, { name: 'in service', cat: 'event', ph: 'E', pid, tid })
  }

  #edge(edge: SpanEdge, step: TraceStep, track: ChromeTrack): void {
    const key = spanKey(edge, step)
    if (edge.edge === 'end') {
      this.#end(key, step, track)
      return
    }
    // An id may be used again only after its response; who does it before leaves the first one unanswered.
    this.#cut(key, step.time, 'the next one of the same id')
    const { pid, tid, label } = track
    const about = { name: spanTitle(edge, step, label), cat: edge.category, pid, tid, id: `${++this.#spans}` }
    this.#events.push({ ...about, ph: 'b', ts: micro(step), args: argsOf(step) })
    this.#open.set(key, { ...about, ph: 'e' })
  }

  /** What ends without having begun began before the trace: an instant. */
  #end(key: string, step: TraceStep, track: ChromeTrack): void {
    const end = this.#open.get(key)
    this.#open.delete(key)
    if (end === undefined) this.#instant(step, track)
    else this.#events.push({ ...end, ts: micro(step), args: argsOf(step) })
  }

  #cut(key: string, time: number, by: string): void {
    const end = this.#open.get(key)
    if (end === undefined) return
    this.#open.delete(key)
    this.#events.push({ ...end, ts: micro({ time }), args: { cutBy: by } })
  }

  #instant(step: TraceStep, { pid, tid }: ChromeTrack): void {
    const [cat] = step.name.split('.')
    this.#events.push({ name: step.name, cat: cat!, ph: 'i', s: 't', ts: micro(step), pid, tid, args: argsOf(step) })
  }
}

const serviceKey = ({ tid }: Pick<ChromeTrack, 'tid'>): string => `in service ${tid}`

/** Whole nanoseconds in microseconds: more digits would be noise. */
const micro = ({ time }: { readonly time: number }): number => Math.round(time * 1e6) / 1e3

/** JSON has no bigint. */
const argsOf = ({ fields }: TraceStep): ChromeEvent['args'] =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'bigint' ? `${value}` : value]),
  )
