import { FlatMemory } from '@split-driver/abi'
import { X86_32_ABI, X86_64_ABI } from '@split-driver/blkif'
import { BackRing, FrontRing } from '@split-driver/ring'
import { expect, test } from 'vitest'
import { requestRingFacts } from '../../src/why/ring-facts.js'

test.each([
  ['x86_64', X86_64_ABI, 0],
  ['x86_64, after some rounds', X86_64_ABI, 70],
  ['x86_64, through the wrap of the indices', X86_64_ABI, 2 ** 32 - 1],
  ['i386', X86_32_ABI, 70],
])('%s: the ids in the slots that no response has taken', (_, abi, first) => {
  const memory = FlatMemory.allocate(4096)
  for (const word of [0, 2]) memory.store(word, first)
  for (const word of [1, 3]) memory.store(word, first + 1)
  const [front, back] = [FrontRing.attach(memory, abi.slotBytes), BackRing.attach(memory, abi.slotBytes)]
  for (const id of [5n, 2n ** 64n - 1n, 7n]) front.putRequest(abi.request.create({ id }), 0, abi.request.words)
  front.pushRequests()
  back.consumeRequest()
  back.putResponse(abi.response.create({ id: 5n }), 0, abi.response.words)
  back.pushResponses()
  const words = new Int32Array(1024)
  memory.copyOut(0, 1024, words, 0)
  expect(requestRingFacts(words, abi)).toEqual({
    kind: 'requests',
    reqProd: (first + 3) % 2 ** 32,
    reqEvent: (first + 1) % 2 ** 32,
    rspProd: (first + 1) % 2 ** 32,
    rspEvent: (first + 1) % 2 ** 32,
    slots: 32,
    unanswered: 2,
    ids: ['18446744073709551615', '7'],
  })
  expect(requestRingFacts(words, undefined)).toMatchObject({ unanswered: 2, ids: [] })
})

test('of an index that no ring can have, no slot is read', () => {
  const words = new Int32Array(1024)
  words[0] = 33
  expect(requestRingFacts(words, X86_64_ABI)).toMatchObject({ slots: 32, unanswered: 33, ids: [] })
})
