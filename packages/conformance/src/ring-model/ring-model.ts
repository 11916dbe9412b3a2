import { FlatMemory } from '@split-driver/abi'
import { BackRing, FrontRing, ringSizeOf, sringHeader } from '@split-driver/ring'
import { assert, assertEqual } from '../assert.js'

/** What a ring is to be tried with. */
export interface RingShape {
  /** The ring lies in 2 to this power pages. */
  readonly order: number
  readonly slotBytes: number
  /** All four indices start here; a u32. */
  readonly firstIndex: number
}

const { reqProd, reqEvent, rspProd, rspEvent } = sringHeader.at

/** Both ends of a ring in use, and beside them what the rules say of them: plain counters that never wrap. */
export class RingModel {
  readonly front: FrontRing
  readonly back: BackRing
  readonly size: number
  readonly memory: FlatMemory
  readonly #firstIndex: number
  /** Requests put, pushed, and taken by the backend; responses put, pushed, and taken by the frontend. */
  put = 0
  pushed = 0
  taken = 0
  answered = 0
  answersPushed = 0
  settled = 0
  /** The consumers asked to be woken when the producer passes from this count to more. */
  #backSleepsAt: number | undefined = 0
  #frontSleepsAt: number | undefined = 0
  readonly #words: Int32Array

  constructor({ order, slotBytes, firstIndex }: RingShape) {
    this.memory = FlatMemory.allocate(4096 << order)
    this.memory.store(reqProd.word, firstIndex)
    this.memory.store(rspProd.word, firstIndex)
    this.memory.store(reqEvent.word, firstIndex + 1)
    this.memory.store(rspEvent.word, firstIndex + 1)
    this.#firstIndex = firstIndex
    this.#words = new Int32Array(slotBytes / 4)
    this.front = FrontRing.attach(this.memory, slotBytes)
    this.back = BackRing.attach(this.memory, slotBytes)
    this.size = ringSizeOf(4096 << order, slotBytes)
  }

  /** Puts `count` requests, or as many as there is room for. */
  putRequests(count: number): void {
    const room = this.size - (this.put - this.settled)
    for (let i = 0; i < Math.min(count, room); i++) {
      this.#words.fill(this.put)
      this.front.putRequest(this.#words, 0, this.#words.length)
      this.put++
    }
  }

  pushRequests(): void {
    const notify = this.front.pushRequests()
    assertEqual(notify, this.#backSleepsAt === this.pushed && this.put > this.pushed, 'rule 4: pushRequests notifies')
    if (this.put > this.pushed) this.#backSleepsAt = undefined
    this.pushed = this.put
  }

  /** The backend takes `count` requests, or as many as wait. */
  takeRequests(count: number): void {
    const waiting = this.back.unconsumedRequests()
    assertEqual(waiting, this.pushed - this.taken, 'rule 6: unconsumed requests')
    for (let i = 0; i < Math.min(count, waiting); i++) {
      this.back.copyRequest(this.#words, 0, 0, this.#words.length)
      this.back.consumeRequest()
      this.#assertEntry(this.taken++, 'request')
    }
  }

  /** The backend answers `count` requests, or as many as it has taken. */
  putResponses(count: number): void {
    const inWork = this.taken - this.answered
    for (let i = 0; i < Math.min(count, inWork); i++) {
      this.#words.fill(~this.answered++)
      this.back.putResponse(this.#words, 0, this.#words.length)
    }
  }

  pushResponses(): void {
    const notify = this.back.pushResponses()
    const due = this.#frontSleepsAt === this.answersPushed && this.answered > this.answersPushed
    assertEqual(notify, due, 'rule 4: pushResponses notifies')
    if (this.answered > this.answersPushed) this.#frontSleepsAt = undefined
    this.answersPushed = this.answered
  }

  /** The frontend takes `count` responses, or as many as wait. */
  takeResponses(count: number): void {
    const waiting = this.front.unconsumedResponses()
    assertEqual(waiting, this.answersPushed - this.settled, 'unconsumed responses')
    for (let i = 0; i < Math.min(count, waiting); i++) {
      this.front.copyResponse(this.#words, 0, this.#words.length)
      this.front.consumeResponse()
      this.#assertEntry(~this.settled++, 'response')
    }
  }

  finalCheckForRequests(): void {
    const work = this.pushed > this.taken
    assertEqual(this.back.finalCheckForRequests(), work, 'rule 5: final check for requests')
    if (!work) this.#backSleepsAt = this.taken
  }

  finalCheckForResponses(): void {
    const work = this.answersPushed > this.settled
    assertEqual(this.front.finalCheckForResponses(), work, 'rule 5: final check for responses')
    if (!work) this.#frontSleepsAt = this.settled
  }

  /** A backend that joins now meets again what nobody has answered; what was answered but not pushed is lost (rule 1). */
  assertAttaches(): void {
    const back = BackRing.attach(this.memory, this.#words.length * 4)
    assertEqual(back.unconsumedRequests(), this.pushed - this.answersPushed, 'rule 1: requests met on attaching')
  }

  /** What both ends say of themselves, and what they have published. */
  assertAgrees(): void {
    const index = (count: number): number => (this.#firstIndex + count) >>> 0
    assertEqual(this.front.reqProdPvt, index(this.put), 'reqProdPvt')
    assertEqual(this.front.rspCons, index(this.settled), 'rspCons')
    assertEqual(this.back.reqCons, index(this.taken), 'reqCons')
    assertEqual(this.back.rspProdPvt, index(this.answered), 'rspProdPvt')
    assertEqual(this.memory.load(reqProd.word) >>> 0, index(this.pushed), 'published req_prod')
    assertEqual(this.memory.load(rspProd.word) >>> 0, index(this.answersPushed), 'published rsp_prod')
    assertEqual(this.front.freeRequests(), this.size - (this.put - this.settled), 'rule 3: free requests')
    assertEqual(this.front.isFull(), this.put - this.settled === this.size, 'rule 3: full')
    assertEqual(this.back.requestConsOverflow(), this.taken - this.answered === this.size, 'rule 7: consumer overflow')
    assert(!this.front.broken && !this.back.broken, 'an honest ring is not broken')
  }

  /** The words between were moved by the same copy. */
  #assertEntry(expected: number, what: string): void {
    assertEqual(this.#words[0], expected | 0, `first word of a ${what}`)
    assertEqual(this.#words.at(-1), expected | 0, `last word of a ${what}`)
  }
}
