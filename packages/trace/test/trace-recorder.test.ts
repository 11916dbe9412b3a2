import { domid } from '@split-driver/abi'
import { mergeTraces, TraceRecorder } from '@split-driver/trace'
import { expect, test } from 'vitest'
import { said, tracerOf } from './support/steps.js'

test('a step bears its time, its domain and its fields by their names', () => {
  const recorder = new TraceRecorder()
  const { step } = tracerOf(recorder, domid(7))
  step('event.bind-interdomain', 4, 0, 19)
  step('xenstore.request', 1, 0, 'write', 'device/x', '8')
  expect(recorder.trace().steps).toEqual([
    { time: 0, domid: 7, name: 'event.bind-interdomain', fields: { port: 4, remoteDomid: 0, remotePort: 19 } },
    {
      time: 1,
      domid: 7,
      name: 'xenstore.request',
      fields: { call: 1, transaction: 0, operation: 'write', path: 'device/x', value: '8' },
    },
  ])
})

test.each([
  [1, 1],
  [4, 3],
  [4, 4],
  [4, 5],
  [4, 400],
])('of %i steps that have room, %i recorded leave the last ones and a count of the others', (capacity, recorded) => {
  const recorder = new TraceRecorder({ capacity })
  const { step } = tracerOf(recorder)
  for (let port = 0; port < recorded; port++) step('event.notify', port)
  const { steps, dropped } = recorder.trace()
  const kept = Math.min(capacity, recorded)
  expect(steps.map(said)).toEqual(Array.from({ length: kept }, (_, i) => `event.notify port=${recorded - kept + i}`))
  expect(dropped).toBe(recorded - kept)
  expect(recorder.dropped).toBe(dropped)
})

test('what is cleared is neither kept nor counted as dropped', () => {
  const recorder = new TraceRecorder({ capacity: 4 })
  const { step } = tracerOf(recorder)
  for (let port = 0; port < 6; port++) step('event.notify', port)
  recorder.clear()
  step('event.mask', 9)
  expect(recorder.trace()).toMatchObject({ steps: [{ name: 'event.mask', fields: { port: 9 } }], dropped: 0 })
})

test.each([0, -1, 1.5, Number.NaN])('a capacity of %d is refused', (capacity) => {
  expect(() => new TraceRecorder({ capacity })).toThrow(RangeError)
})

test('a trace can be posted, and the traces of two threads become one by their times', () => {
  const [one, other] = [new TraceRecorder({ capacity: 2 }), new TraceRecorder()]
  const [first, second] = [tracerOf(one, domid(1)), tracerOf(other, domid(2))]
  for (let port = 0; port < 3; port++) first.step('event.notify', port)
  second.step('event.deliver', 5)
  second.step('ring.put-request', 1, 2n ** 60n, 0)
  const merged = mergeTraces([one.trace(), structuredClone(other.trace())])
  expect(merged.steps.map(({ time, domid }) => `${time} of ${domid}`)).toEqual(['0 of 2', '1 of 1', '1 of 2', '2 of 1'])
  expect(merged.dropped).toBe(1)
  expect(merged.steps[2]?.fields).toMatchObject({ id: 2n ** 60n })
})
