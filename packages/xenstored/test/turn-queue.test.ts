import { describe, expect, test } from 'vitest'
import { TurnQueue, type TurnTaker } from '../src/client/turn-queue.js'
import { StoreWorld } from './support/store-world.js'

/** Lets the rest of the thread have its turn when the test says so. */
class Pauses {
  readonly #waiting: (() => void)[] = []

  get count(): number {
    return this.#waiting.length
  }

  setTimer(_milliseconds: number, callback: () => void) {
    this.#waiting.push(callback)
    return { cancel: () => {} }
  }

  async end(): Promise<void> {
    for (const resume of this.#waiting.splice(0)) resume()
    await settle()
  }
}

/** Until all microtasks have run that could. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Somebody who always has more to do, until told otherwise. */
const flooder = (name: string, log: string[]) => {
  const taker = {
    turns: 0,
    lastTurn: Number.POSITIVE_INFINITY,
    turn: () => {
      log.push(name)
      taker.turns += 1
      return taker.turns < taker.lastTurn
    },
  }
  return taker
}

/** Somebody who asks the next thing once the one before was answered. */
const asker = (queue: TurnQueue, requests: number, onTurn: () => void = () => {}): TurnTaker & { turns: number } => {
  const taker = {
    turns: 0,
    turn: () => {
      taker.turns += 1
      onTurn()
      if (taker.turns < requests) queueMicrotask(() => queueMicrotask(() => queue.schedule(taker)))
      return false
    },
  }
  return taker
}

describe('S6: turns', () => {
  test('S6: a hundred who always have more to do leave one who asks one thing at a time most of the turns', async () => {
    const [pauses, log] = [new Pauses(), [] as string[]]
    const queue = new TurnQueue(pauses)
    const flooders = Array.from({ length: 100 }, (_, i) => flooder(`f${i}`, log))
    for (const each of flooders) queue.schedule(each)
    await settle()
    log.length = 0
    const honest = asker(queue, 1000)
    queue.schedule(honest)
    for (let i = 0; i < 200 && honest.turns < 1000; i++) {
      await pauses.end()
    }
    expect(honest.turns).toBe(1000)
    expect(log.length).toBeLessThan(1000)
    expect(log.length).toBeGreaterThan(1000 / 32)
  })

  test('S6: the busy have their turns all the same, one after the other, whoever comes in between', async () => {
    const [pauses, log] = [new Pauses(), [] as string[]]
    const queue = new TurnQueue(pauses)
    const flooders = ['a', 'b', 'c'].map((name) => flooder(name, log))
    for (const each of flooders) queue.schedule(each)
    const pingers = Array.from({ length: 50 }, () => asker(queue, Number.POSITIVE_INFINITY))
    for (const each of pingers) queue.schedule(each)
    for (let i = 0; i < 100; i++) {
      await pauses.end()
    }
    const turns = flooders.map((each) => each.turns)
    expect(Math.min(...turns)).toBeGreaterThan(20)
    expect(Math.max(...turns) - Math.min(...turns)).toBeLessThanOrEqual(1)
  })

  test('S6: the rest of the thread has its turn amid a flood, and nothing is forgotten', async () => {
    const [pauses, log] = [new Pauses(), [] as string[]]
    const queue = new TurnQueue(pauses)
    const one = flooder('one', log)
    one.lastTurn = 200
    queue.schedule(one)
    await settle()
    expect([one.turns, pauses.count]).toEqual([64, 1])
    await pauses.end()
    expect(one.turns).toBe(128)
    for (let i = 0; i < 3; i++) {
      await pauses.end()
    }
    expect([one.turns, pauses.count]).toEqual([200, 0])
  })

  test('S6: the events that a request makes count for its turn, as requests do', async () => {
    const asked: number[] = []
    const store = new StoreWorld({ observer: { received: ({ id }) => asked.push(id) } })
    const [many, one] = [store.connect(), store.connect()]
    for (let i = 0; i < 40; i++) await many.watch('/w', `${i}`)
    await one.read('/')
    asked.length = 0
    await Promise.all([...Array.from({ length: 6 }, () => many.write('/w/x', 'v')), one.read('/')])
    expect(asked.length).toBe(7)
    // Its own request comes to the server a microtask or two later than the first of the others.
    expect(asked.indexOf(asked.find((id) => id !== asked[0])!)).toBeLessThan(4)
  })

  test('who was busy and is content with one turn is busy no longer', async () => {
    const [pauses, log] = [new Pauses(), [] as string[]]
    const queue = new TurnQueue(pauses)
    const [reformed, other] = [flooder('reformed', log), flooder('other', log)]
    reformed.lastTurn = 2
    queue.schedule(reformed)
    await settle()
    // Busy once more, for that is what it was known for; then not any more.
    for (let i = 0; i < 2; i++) {
      queue.schedule(reformed)
      await settle()
    }
    queue.schedule(other)
    await settle()
    log.length = 0
    const ended = pauses.end()
    queue.schedule(reformed)
    await ended
    expect(log[0]).toBe('reformed')
  })

  test('who is removed has no more turns; without a clock turns go on in microtasks alone', async () => {
    const log: string[] = []
    const queue = new TurnQueue()
    const [one, other] = [flooder('one', log), flooder('other', log)]
    one.lastTurn = 500
    queue.schedule(one)
    queue.schedule(other)
    queue.remove(other)
    await settle()
    expect([one.turns, other.turns]).toEqual([500, 0])
  })
})
