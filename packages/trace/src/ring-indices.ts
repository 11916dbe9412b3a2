import { sringHeader, xenconsInterface, xenstoreDomainInterface } from '@split-driver/ring'

/** A shared word of a ring that is written and read in order, by its place in the page. */
export interface RingIndex {
  readonly word: number
  /** As the ring's layout calls it. */
  readonly name: string
  /** Where its last value is kept: 0 to 3. */
  readonly place: number
  /** The index that it can never be far from: a stream's other end. */
  readonly partner: number
  /** Of a request ring: what a producer index publishes. */
  readonly publishes?: 'request' | 'response'
  /** An event index, of the producer with this place; all others go up as the ring is used. */
  readonly wakesAt?: number
}

const { reqProd, reqEvent, rspProd, rspEvent } = sringHeader.at
const console = xenconsInterface.at
const xenstore = xenstoreDomainInterface.at

const INDICES: readonly RingIndex[] = [
  { word: reqProd.word, name: 'reqProd', place: 0, partner: 1, publishes: 'request' },
  { word: rspProd.word, name: 'rspProd', place: 1, partner: 0, publishes: 'response' },
  { word: reqEvent.word, name: 'reqEvent', place: 2, partner: 2, wakesAt: 0 },
  { word: rspEvent.word, name: 'rspEvent', place: 3, partner: 3, wakesAt: 1 },
  { word: console.inCons.word, name: 'inCons', place: 0, partner: 1 },
  { word: console.inProd.word, name: 'inProd', place: 1, partner: 0 },
  { word: console.outCons.word, name: 'outCons', place: 2, partner: 3 },
  { word: console.outProd.word, name: 'outProd', place: 3, partner: 2 },
  { word: xenstore.reqCons.word, name: 'reqCons', place: 0, partner: 1 },
  { word: xenstore.reqProd.word, name: 'reqProd', place: 1, partner: 0 },
  { word: xenstore.rspCons.word, name: 'rspCons', place: 2, partner: 3 },
  { word: xenstore.rspProd.word, name: 'rspProd', place: 3, partner: 2 },
]

const byWord = new Map(INDICES.map((index) => [index.word, index]))

/** Nothing but a ring's indices is ever accessed in order, and no two kinds of rings keep theirs in the same words. */
export const ringIndexAt = (word: number): RingIndex | undefined => byWord.get(word)
