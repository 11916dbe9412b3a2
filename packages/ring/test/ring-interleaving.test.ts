import type { SharedMemory } from '@split-driver/abi'
import { describe, expect, it } from 'vitest'
import { type Actor, type ActorContext, exploreInterleavings } from '../../../test/support/explore-interleavings.js'
import { BackRing } from '../src/back-ring.js'
import { drainRequests, drainResponses } from '../src/drain.js'
import { FrontRing } from '../src/front-ring.js'
import { mustNotify } from '../src/indices.js'
import { REQ_EVENT, REQ_PROD, RSP_EVENT, RSP_PROD, sringHeader } from '../src/shared-header.js'

// Four slots of one word, then one pending bit for each end's event channel.
const BYTES = 88
const BACK_PENDING = 20
const FRONT_PENDING = 21
const REQUESTS = 3

/** The steps of the protocol that a defect may spoil. */
interface Steps {
  pushRequests(front: FrontRing, memory: SharedMemory): boolean
  pushResponses(back: BackRing, memory: SharedMemory): boolean
  drainBack(back: BackRing, take: () => void, memory: SharedMemory): void
  drainFront(front: FrontRing, take: () => void, memory: SharedMemory): void
}

const correct: Steps = {
  pushRequests: (front) => front.pushRequests(),
  pushResponses: (back) => back.pushResponses(),
  drainBack: (back, take) => expect(drainRequests(back, 64, take)).toBe('idle'),
  drainFront: (front, take) => expect(drainResponses(front, 64, take)).toBe('idle'),
}

/** Pushes its requests in these batches, then sleeps whenever no response waits, until each has come. */
const frontend =
  (steps: Steps, first: number, batches: readonly number[]): Actor =>
  (memory, { waitFor, note, forget }: ActorContext) => {
    const front = FrontRing.attach(memory, 4, first)
    let sent = 0
    for (const batch of batches) {
      for (let i = 0; i < batch; i++) front.putRequest(Int32Array.of(++sent), 0, 1)
      if (steps.pushRequests(front, memory)) memory.storeOrdered(BACK_PENDING, 1)
      forget(`sent ${sent}`)
    }
    const word = new Int32Array(1)
    const take = (): void => {
      front.copyResponse(word, 0, 1)
      front.consumeResponse()
      note(word[0]!)
    }
    for (;;) {
      steps.drainFront(front, take, memory)
      forget('drained')
      if ((front.rspCons - first) >>> 0 === REQUESTS) return
      waitFor(FRONT_PENDING)
    }
  }

/** Sleeps until it is woken, then answers what waits: each by itself, or the whole pass with one push. */
const backend =
  (steps: Steps, first: number, pushEach: boolean): Actor =>
  (memory, { waitFor, forget }: ActorContext) => {
    const back = BackRing.attach(memory, 4, first)
    const word = new Int32Array(1)
    const push = (): void => {
      if (steps.pushResponses(back, memory)) memory.storeOrdered(FRONT_PENDING, 1)
    }
    const take = (): void => {
      back.copyRequest(word, 0, 0, 1)
      back.consumeRequest()
      back.putResponse(
        word.map((id) => id + 100),
        0,
        1,
      )
      if (pushEach) push()
    }
    while ((back.reqCons - first) >>> 0 !== REQUESTS) {
      forget(`awaits ${back.reqCons}`)
      waitFor(BACK_PENDING)
      steps.drainBack(back, take, memory)
      forget(`drained ${back.reqCons}`)
      if (!pushEach) push()
    }
  }

interface Case {
  readonly steps?: Steps
  readonly first?: number
  readonly batches?: readonly number[]
  readonly pushEach?: boolean
  readonly storeBuffers?: boolean
  /** What becomes of the memory that both ends see. */
  readonly spoil?: (memory: SharedMemory) => SharedMemory
}

/** @throws at the first ending in which somebody sleeps for ever */
const explore = (given: Case): void => {
  const { steps = correct, first = 2 ** 32 - 2, batches = [1, 1, 1], pushEach = true, storeBuffers = false } = given
  const spoil = given.spoil ?? ((memory) => memory)
  const { reqProd, reqEvent, rspProd, rspEvent } = sringHeader.at
  const { endings } = exploreInterleavings({
    bytes: BYTES,
    storeBuffers,
    prepare: (memory) => {
      for (const { word } of [reqProd, rspProd]) memory.store(word, first)
      for (const { word } of [reqEvent, rspEvent]) memory.store(word, first + 1)
    },
    actors: [frontend(steps, first, batches), backend(steps, first, pushEach)].map(
      (actor): Actor =>
        (memory, context) =>
          actor(spoil(memory), context),
    ),
    check: (_, [settled]) => {
      if (settled!.length < REQUESTS) throw new Error(`a wake-up was lost after response ${settled!.length}`)
      expect(settled).toEqual([101, 102, 103])
    },
  })
  expect(endings).toBeGreaterThan(0)
}

/** How the frontend may push its three requests. */
const batchings = [[1, 1, 1], [1, 2], [2, 1], [3]]

describe('rules 4 to 6: no interleaving of 2 sides × 3 requests loses a wake-up', () => {
  for (const batches of batchings) {
    const pushed = `requests pushed as ${batches.join(' + ')}`
    it(`${pushed}, responses one by one`, () => explore({ batches }))
    it(`${pushed}, responses after each pass`, () => explore({ batches, pushEach: false }))
  }

  it.each([0, 2 ** 31 - 2])('indices from %i on', (first) => explore({ first, batches: [1, 2] }))
})

describe('rules 4 and 5 on a machine that delays stores, as x86 does', () => {
  it('no wake-up is lost: one request, then two', () => explore({ batches: [1, 2], storeBuffers: true }))

  it('no wake-up is lost: all three at once', () => explore({ batches: [3], storeBuffers: true }))

  it('without the barriers one is lost', () => {
    const plain = (memory: SharedMemory): SharedMemory =>
      Object.create(memory, {
        storeOrdered: {
          value: (word: number, value: number) =>
            word === BACK_PENDING || word === FRONT_PENDING
              ? memory.storeOrdered(word, value)
              : memory.store(word, value),
        },
        loadOrdered: { value: (word: number) => memory.load(word) },
      })
    expect(() => explore({ batches: [3], storeBuffers: true, spoil: plain })).toThrow('a wake-up was lost')
  })
})

describe('the exploration finds each of these defects', () => {
  const looksBeforePublishing: Partial<Steps> = {
    pushRequests: (front, memory) => {
      const old = memory.loadOrdered(REQ_PROD)
      const event = memory.loadOrdered(REQ_EVENT)
      front.publishRequests()
      return mustNotify(front.reqProdPvt, event, old)
    },
  }
  const answersLookBeforePublishing: Partial<Steps> = {
    pushResponses: (back, memory) => {
      const old = memory.loadOrdered(RSP_PROD)
      const event = memory.loadOrdered(RSP_EVENT)
      back.publishResponses()
      return mustNotify(back.rspProdPvt, event, old)
    },
  }
  const backSleepsWithoutLastLook: Partial<Steps> = {
    drainBack: (back, take, memory) => {
      for (let left = back.unconsumedRequests(); left > 0; left = back.unconsumedRequests()) take()
      memory.storeOrdered(REQ_EVENT, back.reqCons + 1)
    },
  }
  const frontSleepsWithoutLastLook: Partial<Steps> = {
    drainFront: (front, take, memory) => {
      for (let left = front.unconsumedResponses(); left > 0; left = front.unconsumedResponses()) take()
      memory.storeOrdered(RSP_EVENT, front.rspCons + 1)
    },
  }
  const backAsksForOneTooLate: Partial<Steps> = {
    drainBack: (back, take, memory) => {
      for (let left = back.unconsumedRequests(); left > 0; left = back.unconsumedRequests()) take()
      memory.storeOrdered(REQ_EVENT, back.reqCons + 2)
      for (let left = back.unconsumedRequests(); left > 0; left = back.unconsumedRequests()) take()
    },
  }
  it.each([
    ['rule 4: the frontend looks at the event before it publishes', looksBeforePublishing],
    ['rule 4: the backend looks at the event before it publishes', answersLookBeforePublishing],
    ['rule 5: the backend sleeps without a last look', backSleepsWithoutLastLook],
    ['rule 5: the frontend sleeps without a last look', frontSleepsWithoutLastLook],
    ['rule 5: event = cons + 2', backAsksForOneTooLate],
  ])('%s', (_, defect) => {
    expect(() => {
      for (const pushEach of [true, false]) explore({ steps: { ...correct, ...defect }, pushEach })
    }).toThrow('a wake-up was lost')
  })
})
