import { parentPort, workerData } from 'node:worker_threads'
import { latenciesOf } from './latencies.js'

/** Two threads wake each other by futex words and do nothing else: what an event channel cannot be faster than. */
export interface BareRound {
  readonly words: Int32Array
  readonly side: 'ping' | 'pong'
  readonly roundTrips: number
}

const PING = 0
const PONG = 1

const awaitValue = (words: Int32Array, word: number, value: number): void => {
  while (Atomics.load(words, word) !== value) Atomics.wait(words, word, value - 1)
}

const say = (words: Int32Array, word: number, value: number): void => {
  Atomics.store(words, word, value)
  Atomics.notify(words, word)
}

const ping = ({ words, roundTrips }: BareRound): void => {
  const took = new Float64Array(roundTrips)
  for (let i = 1; i <= roundTrips; i++) {
    const start = performance.now()
    say(words, PING, i)
    awaitValue(words, PONG, i)
    took[i - 1] = performance.now() - start
  }
  parentPort!.postMessage(latenciesOf(took))
}

const pong = ({ words, roundTrips }: BareRound): void => {
  for (let i = 1; i <= roundTrips; i++) {
    awaitValue(words, PING, i)
    say(words, PONG, i)
  }
}

const round = workerData as BareRound
if (round.side === 'ping') ping(round)
else pong(round)
