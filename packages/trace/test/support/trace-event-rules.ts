import type { ChromeEvent, ChromeTrace } from '@split-driver/trace'

type Rule = (events: readonly ChromeEvent[]) => string[]

const show = (event: ChromeEvent): string => JSON.stringify(event)

/** "Event Descriptions": the fields that every event has. `args` is what JSON can hold; Perfetto skips nulls. */
const eachIsWhole: Rule = (events) =>
  events
    .filter(({ name, cat, ph, ts, pid, tid, args }) => {
      const numbers = [ts, pid, tid].every((n) => Number.isFinite(n) && n >= 0) && Number.isInteger(pid + tid)
      const texts = [name, cat, ph].every((text) => typeof text === 'string' && text !== '')
      return !numbers || !texts || typeof args !== 'object' || Object.values(args).some((value) => value == null)
    })
    .map((event) => `lacks what every event has: ${show(event)}`)

/** "Duration Events": on one thread, times do not go back, and each E closes the B that was opened last. */
const slicesNest: Rule = (events) => {
  const threads = new Map<string, { time: number; open: string[] }>()
  const wrong: string[] = []
  for (const event of events.filter(({ ph }) => ph === 'B' || ph === 'E')) {
    const key = `${event.pid} ${event.tid}`
    const thread = threads.get(key) ?? { time: 0, open: [] }
    threads.set(key, thread)
    if (event.ts < thread.time) wrong.push(`goes back in time: ${show(event)}`)
    thread.time = event.ts
    if (event.ph === 'B') thread.open.push(event.name)
    else if (thread.open.pop() !== event.name) wrong.push(`closes nothing: ${show(event)}`)
  }
  for (const [key, { open }] of threads) if (open.length > 0) wrong.push(`thread ${key} leaves ${open.join()} open`)
  return wrong
}

/** "Async Events": one b and then one e for each category and id, with one name and process (Perfetto tells them apart). */
const spansPair: Rule = (events) => {
  const spans = new Map<string, ChromeEvent[]>()
  for (const event of events.filter(({ ph }) => ph === 'b' || ph === 'e')) {
    const key = `${event.cat} ${event.id}`
    spans.set(key, [...(spans.get(key) ?? []), event])
  }
  return [...spans.values()]
    .filter(([begin, end, ...more]) => {
      const inOrder = begin?.ph === 'b' && end?.ph === 'e' && begin.ts <= end.ts && more.length === 0
      return !inOrder || begin.id === undefined || begin.name !== end.name || begin.pid !== end.pid
    })
    .map((span) => `is no pair: ${span.map(show).join(' ')}`)
}

/** "Instant Events": a scope that there is. */
const instantsHaveScope: Rule = (events) =>
  events
    .filter(({ ph, s }) => ph === 'i' && !['g', 'p', 't'].includes(s ?? ''))
    .map((event) => `has no scope: ${show(event)}`)

const metadataArgs: Readonly<Record<string, (args: ChromeEvent['args']) => boolean>> = {
  process_name: (args) => typeof args['name'] === 'string',
  thread_name: (args) => typeof args['name'] === 'string',
  process_sort_index: (args) => Number.isInteger(args['sort_index']),
  thread_sort_index: (args) => Number.isInteger(args['sort_index']),
}

/** "Metadata Events": the names that there are, with their one argument. */
const metadataIsKnown: Rule = (events) =>
  events
    .filter(({ ph, name, args }) => ph === 'M' && !metadataArgs[name]?.(args))
    .map((event) => `is no metadata: ${show(event)}`)

/** Perfetto's importer: process 0 and thread 0 are the idle task; a thread's name goes by its number alone. */
const numbersAreUnique: Rule = (events) => {
  const threads = events.filter(({ ph, name }) => ph !== 'M' || name.startsWith('thread_'))
  const processOf = new Map<number, number>()
  return threads
    .filter(({ pid, tid }) => {
      const known = processOf.get(tid) ?? pid
      processOf.set(tid, known)
      return known !== pid || tid === 0 || pid === 0 || tid === pid
    })
    .map((event) => `has numbers that a viewer mistakes: ${show(event)}`)
}

/** Each thread and process of the picture has a name. */
const allAreNamed: Rule = (events) => {
  const named = new Set(events.filter(({ name }) => name === 'thread_name').map(({ pid, tid }) => `${pid} ${tid}`))
  return events
    .filter(({ ph, pid, tid }) => ph !== 'M' && !named.has(`${pid} ${tid}`))
    .map((event) => `is on a thread without a name: ${show(event)}`)
}

const RULES = [eachIsWhole, slicesNest, spansPair, instantsHaveScope, metadataIsKnown, numbersAreUnique, allAreNamed]

/**
 * What a document breaks of the Trace Event Format's rules, after a way through JSON.
 * @see https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
 */
export const traceEventComplaints = (trace: ChromeTrace): string[] => {
  const { traceEvents, displayTimeUnit } = JSON.parse(JSON.stringify(trace)) as ChromeTrace
  const unit = displayTimeUnit === 'ns' || displayTimeUnit === 'ms' ? [] : ['the unit of time is neither ms nor ns']
  return [...unit, ...RULES.flatMap((rule) => rule(traceEvents))]
}
