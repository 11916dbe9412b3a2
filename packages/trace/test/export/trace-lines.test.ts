import { domid, grantRef } from '@split-driver/abi'
import { TraceRecorder, traceLines } from '@split-driver/trace'
import { expect, test } from 'vitest'
import { tracerOf } from '../support/steps.js'

test('a line has time, domain, step and each field by its name; ports and rings say what they are for', () => {
  const recorder = new TraceRecorder()
  const { step } = tracerOf(recorder, domid(3))
  recorder.names.learn(domid(3), 'device/vbd/51712/event-channel', '5')
  recorder.names.learn(domid(3), 'device/vbd/51712/ring-ref', '8')
  const ring = recorder.nextRing(domid(3), domid(3), grantRef(8))
  step('event.notify', 5)
  step('event.notify', 6)
  step('ring.publish', ring, 'reqProd', 4_294_967_295, 1, 2)
  step('grant.map', 9, 0, 'read-only', [8, 9, 10])
  expect(traceLines(recorder.trace())).toEqual([
    '      0.000000 ms  domain 3  event.notify               port=5 (vbd/51712)',
    '      1.000000 ms  domain 3  event.notify               port=6',
    '      2.000000 ms  domain 3  ring.publish               ring=1 (vbd/51712) index=reqProd from=4294967295 to=1 count=2',
    '      3.000000 ms  domain 3  grant.map                  held=9 remoteDomid=0 access=read-only refs=8,9,10',
  ])
})

test('what a peer wrote stays on its line and commands no terminal', () => {
  const recorder = new TraceRecorder()
  tracerOf(recorder).step('xenstore.reply', 1, 'ok', '\u001b[2J\n\u009b31m\u2028x')
  const [line] = traceLines(recorder.trace())
  expect(line).toMatch(/^[\u0020-\u007e]+$/)
  expect(line).toContain('value="\\u001b[2J\\n\\u009b31m\\u2028x"')
})

test('dropped steps are counted in the first line', () => {
  const recorder = new TraceRecorder({ capacity: 1 })
  const { step } = tracerOf(recorder)
  step('event.notify', 1)
  step('event.notify', 2)
  const lines = traceLines(recorder.trace())
  expect(lines).toHaveLength(2)
  expect(lines[0]).toBe('1 older steps were dropped')
})
