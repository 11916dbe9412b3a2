import { domid, FlatMemory, grantRef, type SharedMemory, struct, u8, u32, u64 } from '@split-driver/abi'
import {
  BackRing,
  ByteRing,
  consoleRingView,
  drainRequests,
  drainResponses,
  FrontRing,
  reversed,
} from '@split-driver/ring'
import { type SlotLayouts, TraceRecorder } from '@split-driver/trace'
import { describe, expect, test } from 'vitest'
import { TracedMemory } from '../src/traced-memory.js'
import { named, said, saidBy, tracerOf } from './support/steps.js'

const slots: SlotLayouts = {
  slotBytes: 16,
  request: struct('request', 16, { operation: u8(0), id: u64(8) }),
  response: struct('response', 16, { id: u64(0), operation: u8(8), status: u32(12) }),
}
const [frontDomain, backDomain] = [domid(3), domid(0)]
const ref = grantRef(8)

/** Both ends of a page's ring, each as its own domain sees it. */
const tracedPage = ({ page = FlatMemory.allocate(4096), ...options } = {}) => {
  const recorder = new TraceRecorder({ devices: { thing: () => slots }, ...options })
  const end = (domain: typeof frontDomain): SharedMemory =>
    new TracedMemory(page, tracerOf(recorder, domain), frontDomain, ref)
  return { page, recorder, front: end(frontDomain), back: end(backDomain) }
}

const requestOf = (id: bigint, op: number): Int32Array => {
  const words = new Int32Array(4)
  words[0] = op
  words[2] = Number(BigInt.asIntN(32, id))
  words[3] = Number(BigInt.asIntN(32, id >> 32n))
  return words
}

const respond = (ring: BackRing): void => {
  const words = new Int32Array(4)
  ring.copyRequest(words, 0, 0, 4)
  ring.consumeRequest()
  ring.putResponse(Int32Array.of(words[2]!, words[3]!, words[0]! & 0xff, 77), 0, 4)
}

test('a request and its response: every index, event index and decision on both ends, and the entries between', () => {
  const { recorder, front, back } = tracedPage()
  recorder.names.learn(frontDomain, 'device/thing/0/ring-ref', '8')
  const frontRing = FrontRing.initialise(front, slots.slotBytes)
  const backRing = BackRing.attach(back, slots.slotBytes)
  frontRing.putRequest(requestOf(5n, 1), 0, 4)
  frontRing.putRequest(requestOf(2n ** 60n, 2), 0, 4)
  expect(frontRing.pushRequests()).toBe(true)
  drainRequests(backRing, 10, respond)
  expect(backRing.pushResponses()).toBe(true)
  drainResponses(frontRing, 10, (ring) => ring.consumeResponse())
  const trace = recorder.trace()
  expect(saidBy(trace, frontDomain)).toEqual([
    'ring.put-request ring=1 id=5 op=1',
    'ring.put-request ring=1 id=1152921504606846976 op=2',
    'ring.publish ring=1 index=reqProd from=0 to=2 count=2',
    'ring.decide ring=1 index=reqProd event=1 notify=true',
    'ring.see ring=1 index=rspProd from=0 to=2 count=2',
    'ring.take-response ring=1 id=5 op=1 status=77',
    'ring.take-response ring=1 id=1152921504606846976 op=2 status=77',
    'ring.ask ring=1 index=rspEvent to=3',
  ])
  expect(saidBy(trace, backDomain)).toEqual([
    'ring.see ring=2 index=reqProd from=0 to=2 count=2',
    'ring.take-request ring=2 id=5 op=1',
    'ring.take-request ring=2 id=1152921504606846976 op=2',
    'ring.ask ring=2 index=reqEvent to=3',
    'ring.put-response ring=2 id=5 op=1 status=77',
    'ring.put-response ring=2 id=1152921504606846976 op=2 status=77',
    'ring.publish ring=2 index=rspProd from=0 to=2 count=2',
    'ring.decide ring=2 index=rspProd event=1 notify=true',
  ])
  expect(trace.labels).toEqual([
    { domid: 3, kind: 'ring', number: 1, label: 'thing/0' },
    { domid: 0, kind: 'ring', number: 2, label: 'thing/0 of domain 3' },
  ])
})

describe.each([0, 0xffff_fffd])('indices that begin at %i', (first) => {
  test('go on through the wrap, and each decision is the one that the ring told its owner', () => {
    const { page, recorder, front, back } = tracedPage()
    for (const word of [0, 2]) page.store(word, first)
    for (const word of [1, 3]) page.store(word, first + 1)
    const frontRing = FrontRing.attach(front, slots.slotBytes)
    const backRing = BackRing.attach(back, slots.slotBytes)
    const told: boolean[] = []
    for (let round = 0; round < 12; round++) {
      for (let i = 0; i <= round % 3; i++) frontRing.putRequest(requestOf(BigInt(round), 0), 0, 4)
      told.push(frontRing.pushRequests())
      // Every third time the other end is slow: its event index lies behind, and nobody need be woken.
      if (round % 3 === 0) continue
      drainRequests(backRing, 10, respond)
      told.push(backRing.pushResponses())
      drainResponses(frontRing, 10, (ring) => ring.consumeResponse())
    }
    const trace = recorder.trace()
    expect(named(trace, 'ring.decide').map(({ fields }) => fields.notify)).toEqual(told)
    expect(new Set(told).size).toBe(2)
    for (const name of ['ring.publish', 'ring.see'] as const)
      for (const { fields } of named(trace, name)) expect((fields.from + fields.count) >>> 0).toBe(fields.to)
    const sent = named(trace, 'ring.publish').filter(({ fields }) => fields.index === 'reqProd')
    expect(sent[0]?.fields.from).toBe(first)
    expect(sent.reduce((sum, { fields }) => sum + fields.count, 0)).toBe(24)
  })
})

test('a backend that joins late meets what waits since the last response', () => {
  const { recorder, front, back } = tracedPage()
  const frontRing = FrontRing.initialise(front, slots.slotBytes)
  for (let i = 0; i < 3; i++) frontRing.putRequest(requestOf(1n, 0), 0, 4)
  frontRing.pushRequests()
  drainRequests(BackRing.attach(back, slots.slotBytes), 10, respond)
  expect(saidBy(recorder.trace(), backDomain)[0]).toBe('ring.see ring=2 index=reqProd from=0 to=3 count=3')
})

test.each([300, 0x8000_0000, 0xffff_ffff])(
  'a producer that a hostile end put at %i is shown, and no entry is read',
  (index) => {
    const { page, recorder, front, back } = tracedPage()
    recorder.names.learn(frontDomain, 'device/thing/0/ring-ref', '8')
    FrontRing.initialise(front, slots.slotBytes)
    const backRing = BackRing.attach(back, slots.slotBytes)
    page.store(0, index)
    expect(backRing.unconsumedRequests()).toBe(-1)
    expect(saidBy(recorder.trace(), backDomain)).toEqual([
      `ring.see ring=1 index=reqProd from=0 to=${index} count=${index}`,
    ])
  },
)

test('without a device that is known the indices are followed, the entries are not', () => {
  const { recorder, front } = tracedPage()
  recorder.names.learn(frontDomain, 'device/thing/0/ring-ref', '9')
  const ring = FrontRing.initialise(front, slots.slotBytes)
  ring.putRequest(requestOf(1n, 0), 0, 4)
  ring.pushRequests()
  const { steps, labels } = recorder.trace()
  expect(steps.map(({ name }) => name)).toEqual(['ring.publish', 'ring.decide'])
  expect(labels).toEqual([{ domid: 3, kind: 'ring', number: 1, label: 'grant 8 of domain 3' }])
})

test('a page that is too small for one entry of the named device is not read', () => {
  const { recorder, front } = tracedPage({ page: FlatMemory.allocate(64) })
  recorder.names.learn(frontDomain, 'device/thing/0/ring-ref', '8')
  front.storeOrdered(0, 1)
  expect(recorder.trace().steps.map(said)).toEqual(['ring.publish ring=1 index=reqProd from=0 to=1 count=1'])
})

test('of a console both directions are followed by their names, in bytes', () => {
  const { recorder, front, back } = tracedPage()
  const guest = new ByteRing(consoleRingView, front)
  const daemon = new ByteRing(reversed(consoleRingView), back)
  guest.write(new Uint8Array(5))
  daemon.read(new Uint8Array(3))
  daemon.write(new Uint8Array(2))
  guest.read(new Uint8Array(9))
  const trace = recorder.trace()
  expect(saidBy(trace, frontDomain)).toEqual([
    'ring.publish ring=1 index=outProd from=0 to=5 count=5',
    'ring.see ring=1 index=inProd from=0 to=2 count=2',
    'ring.publish ring=1 index=inCons from=0 to=2 count=2',
  ])
  expect(saidBy(trace, backDomain)).toEqual([
    'ring.see ring=2 index=outProd from=0 to=5 count=5',
    'ring.publish ring=2 index=outCons from=0 to=3 count=3',
    'ring.publish ring=2 index=inProd from=0 to=2 count=2',
  ])
})

test('accesses without order, and data in the same page, are no steps', () => {
  const { recorder, front } = tracedPage()
  front.store(0, 7)
  front.load(2)
  front.copyIn(16, new Int32Array(8), 0, 8)
  front.copyOut(0, 16, new Int32Array(16), 0)
  front.mutableBytes(0, 64).fill(1)
  front.storeOrdered(20, 1)
  front.loadOrdered(20)
  expect(recorder.trace().steps).toEqual([])
})
