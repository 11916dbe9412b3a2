import { describe, expect, it } from 'vitest'
import { type ByteRingView, flexRingView, reversed } from '../src/byte-ring-view.js'
import { consoleRingView } from '../src/console-interface.js'
import { flexRingInterface } from '../src/flex-ring-interface.js'
import { xenstoreDomainInterface, xenstoreRingView } from '../src/xenstore-interface.js'

/** In bytes, as the headers and the rules count. */
const offsets = ({ reads, writes }: ByteRingView): unknown[] =>
  [reads, writes].map(({ offset, bytes, cons, prod }) => ({ offset, bytes, cons: cons * 4, prod: prod * 4 }))

it('rule 57: the console: in[1024]@0, out[2048]@1024, indices from 3072 on', () => {
  expect(offsets(consoleRingView)).toEqual([
    { offset: 0, bytes: 1024, cons: 3072, prod: 3076 },
    { offset: 1024, bytes: 2048, cons: 3080, prod: 3084 },
  ])
})

it('rule 54: XenStore: req@0, rsp@1024, indices@2048, then features, connection, error', () => {
  expect(offsets(xenstoreRingView)).toEqual([
    { offset: 1024, bytes: 1024, cons: 2056, prod: 2060 },
    { offset: 0, bytes: 1024, cons: 2048, prod: 2052 },
  ])
  const { serverFeatures, connection, error } = xenstoreDomainInterface.at
  expect([serverFeatures.offset, connection.offset, error.offset]).toEqual([2064, 2068, 2072])
})

describe('rule 10: a flexible ring', () => {
  it.each([
    [1, 4096],
    [4, 32768],
  ])('of order %i: in first, %i bytes each way', (order, bytes) => {
    expect(offsets(flexRingView(order, flexRingInterface.at))).toEqual([
      { offset: 0, bytes, cons: 0, prod: 4 },
      { offset: bytes, bytes, cons: 64, prod: 68 },
    ])
  })

  it('names its order at 128', () => {
    expect(flexRingInterface.at.ringOrder.offset).toBe(128)
  })
})

it('the back view is the front view with its directions swapped, and swapped again it is the same', () => {
  const back = reversed(consoleRingView)
  expect([back.reads, back.writes]).toEqual([consoleRingView.writes, consoleRingView.reads])
  expect(reversed(back)).toEqual(consoleRingView)
})
