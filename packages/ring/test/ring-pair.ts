import { FlatMemory } from '@split-driver/abi'
import { BackRing } from '../src/back-ring.js'
import { FrontRing } from '../src/front-ring.js'
import { sringHeader } from '../src/shared-header.js'

export interface RingPair {
  readonly memory: FlatMemory
  readonly front: FrontRing
  readonly back: BackRing
}

const { reqProd, reqEvent, rspProd, rspEvent } = sringHeader.at

/** Both ends of a ring that has been in use for `firstIndex` requests, all settled. */
export const ringPair = (firstIndex = 0, slotBytes = 112, order = 0): RingPair => {
  const memory = FlatMemory.allocate(4096 << order)
  memory.store(reqProd.word, firstIndex)
  memory.store(rspProd.word, firstIndex)
  memory.store(reqEvent.word, firstIndex + 1)
  memory.store(rspEvent.word, firstIndex + 1)
  return { memory, front: FrontRing.attach(memory, slotBytes), back: BackRing.attach(memory, slotBytes) }
}

/** Puts requests whose first word is `id`, `id` + 1, …, and publishes them. @returns whether to notify */
export const request = (front: FrontRing, id: number, count = 1): boolean => {
  for (let i = 0; i < count; i++) front.putRequest(Int32Array.of(id + i), 0, 1)
  return front.pushRequests()
}

/** Takes what waits, at most `count`. @returns the first words */
export const take = (back: BackRing, count = back.unconsumedRequests()): number[] => {
  const ids: number[] = []
  for (let i = 0; i < count; i++) {
    const word = new Int32Array(1)
    back.copyRequest(word, 0, 0, 1)
    back.consumeRequest()
    ids.push(word[0]!)
  }
  return ids
}

/** Answers with these first words and publishes them. @returns whether to notify */
export const respond = (back: BackRing, ids: readonly number[]): boolean => {
  for (const id of ids) back.putResponse(Int32Array.of(id), 0, 1)
  return back.pushResponses()
}

/** Takes the responses that wait. @returns the first words */
export const settle = (front: FrontRing): number[] => {
  const ids: number[] = []
  for (let left = front.unconsumedResponses(); left > 0; left--) {
    const word = new Int32Array(1)
    front.copyResponse(word, 0, 1)
    front.consumeResponse()
    ids.push(word[0]!)
  }
  return ids
}
