import { domid } from '@split-driver/abi'
import { abiOf } from '@split-driver/blkif'
import { assertLedgerEmpty } from '@split-driver/conformance'
import { type ChromeEvent, chromeTrace, STEP_FIELDS, type StepName, TraceRecorder } from '@split-driver/trace'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { useBlockAndConsole } from '../support/block-and-console.js'
import { tracerOf } from '../support/steps.js'
import { traceEventComplaints } from '../support/trace-event-rules.js'
import { createTracedWorld } from '../support/traced-world.js'

const REQUESTS = 20

/** Steps of domain 1, one after the other, as a document's events without metadata. */
const eventsOf = (record: (recorder: TraceRecorder) => void): ChromeEvent[] => {
  const recorder = new TraceRecorder()
  record(recorder)
  const document = chromeTrace(recorder.trace())
  expect(traceEventComplaints(document)).toEqual([])
  return document.traceEvents.filter(({ ph }) => ph !== 'M')
}

const inShort = ({ ph, name, ts, args }: ChromeEvent): string =>
  `${ph} ${name} ${ts}${args['cutBy'] === undefined ? '' : ` cut by ${args['cutBy']}`}`

describe('of a block device and a console', async () => {
  const recorder = new TraceRecorder({ devices: { vbd: abiOf } })
  const world = await createTracedWorld(recorder)
  const guest = await useBlockAndConsole(world, REQUESTS)
  await assertLedgerEmpty(world)
  await world[Symbol.asyncDispose]()
  const document = chromeTrace(recorder.trace())
  const nameOf = (name: string, pid: number): string[] =>
    document.traceEvents.filter((e) => e.name === name && e.pid === pid).map(({ args }) => String(args['name']))

  test('the document keeps every rule of the format', () => {
    expect(traceEventComplaints(document)).toEqual([])
    expect(document.otherData).toEqual({ producer: 'split-driver', droppedSteps: 0 })
  })

  test('each domain is a process; ports and rings are threads that say what they are for', () => {
    expect(nameOf('process_name', 1)).toEqual(['domain 0'])
    expect(nameOf('process_name', guest + 1)).toEqual([`domain ${guest}`])
    const owned = ['', ` of domain ${guest}`]
    for (const [i, pid] of [guest + 1, 1].entries()) {
      const threads = nameOf('thread_name', pid)
      expect(threads).toContain(`ring vbd/51712${owned[i]}`)
      expect(threads).toContain(`ring console${owned[i]}`)
      expect(threads).toContain('grants')
      expect(threads.filter((name) => name.endsWith(` vbd/51712${owned[i]}`) && name.startsWith('port'))).toHaveLength(
        1,
      )
    }
    expect(nameOf('thread_name', 1)).toContain(`ring xenstore of domain ${guest}`)
  })

  test.each([
    ['request', () => guest],
    ['service', () => 0],
  ])('each request is a span of category %s, from its slot to its response', (category, domain) => {
    const spans = document.traceEvents.filter(({ cat }) => cat === category)
    expect(spans).toHaveLength(2 * REQUESTS)
    for (const { name, pid, args } of spans) {
      expect(name).toBe(category === 'request' ? 'vbd/51712 request' : `vbd/51712 of domain ${guest} service`)
      expect(pid).toBe(domain() + 1)
      expect([0, 1]).toContain(args['op'])
    }
    expect(spans.filter(({ args }) => 'cutBy' in args)).toEqual([])
    expect(new Set(spans.map(({ args }) => args['id'])).size).toBe(REQUESTS)
  })

  test('deliveries last until their end of interrupt', () => {
    const slices = document.traceEvents.filter(({ ph, pid }) => ph === 'B' && pid === guest + 1)
    expect(slices.length).toBeGreaterThan(2)
    expect(new Set(slices.map(({ name }) => name))).toEqual(new Set(['in service']))
  })

  test('what is held of the guest is a span of its own', () => {
    const maps = document.traceEvents.filter(({ name, pid }) => name === 'grants mapped' && pid === 1)
    // Begin and end of each: the disk's ring, the console's, and the pages of its requests, which stay mapped (rule 22).
    expect(maps.length).toBeGreaterThanOrEqual(2 * 3)
  })
})

test('a response without its request, which was dropped, is an instant; a request without response ends with the trace', () => {
  const events = eventsOf((recorder) => {
    const { step } = tracerOf(recorder)
    step('ring.take-response', 1, 7, 0, 0)
    step('ring.put-request', 1, 8, 0)
    step('event.notify', 3)
  })
  expect(events.map(inShort)).toEqual([
    'i ring.take-response 0',
    'b ring 1 request 1000',
    'i event.notify 2000',
    'e ring 1 request 2000 cut by the end of the trace',
  ])
})

test('an id that is used before its response cuts the span; a port that is given back cuts its delivery', () => {
  const events = eventsOf((recorder) => {
    const { step } = tracerOf(recorder)
    step('ring.put-request', 1, 8, 0)
    step('ring.put-request', 1, 8, 1)
    step('ring.take-response', 1, 8, 1, 0)
    step('event.deliver', 3)
    step('event.unbind', 3)
    step('event.eoi', 3, 'worked')
  })
  expect(events.map(inShort)).toEqual([
    'b ring 1 request 0',
    'e ring 1 request 1000 cut by the next one of the same id',
    'b ring 1 request 1000',
    'e ring 1 request 2000',
    'B in service 3000',
    'i event.unbind 4000',
    'E in service 4000 cut by unbound',
    'i event.eoi 5000',
  ])
})

test('a delivery without an end of interrupt is cut by the next one of its port', () => {
  const events = eventsOf((recorder) => {
    const { step } = tracerOf(recorder)
    step('event.deliver', 3)
    step('event.deliver', 4)
    step('event.deliver', 3)
    step('event.eoi', 3, 'spurious')
    step('event.eoi', 4, 'worked')
  })
  expect(events.map(inShort)).toEqual([
    'B in service 0',
    'B in service 1000',
    'E in service 2000 cut by another delivery',
    'B in service 2000',
    'E in service 3000',
    'E in service 4000',
  ])
})

test('an id beyond the safe integers stays exact', () => {
  const [begin] = eventsOf((recorder) => tracerOf(recorder).step('ring.put-request', 1, 2n ** 63n + 1n, 0))
  expect(begin!.args['id']).toBe('9223372036854775809')
})

test('whatever the steps and their order: the document keeps the rules', () => {
  const name = fc.constantFrom(...(Object.keys(STEP_FIELDS) as StepName[]))
  const steps = fc.array(fc.tuple(name, fc.constantFrom(0, 5), fc.integer({ min: 0, max: 2 })), {
    minLength: 60,
    maxLength: 200,
  })
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 60 }), (list, capacity) => {
      const recorder = new TraceRecorder({ capacity })
      list.forEach(([step, domain, value], time) => {
        recorder.add(domid(domain), time / 7, step, value, value, value, value, value)
      })
      expect(traceEventComplaints(chromeTrace(recorder.trace()))).toEqual([])
    }),
    { seed: 4 },
  )
})
