import type { BlkifAbi } from '@split-driver/blkif'
import {
  type ByteRingView,
  consoleRingView,
  distance,
  HEADER_WORDS,
  ringSizeOf,
  sringHeader,
  xenstoreRingView,
} from '@split-driver/ring'
import type { ByteRingFacts, RequestRing } from './device-facts.js'

/** Ids that are listed at most; a ring can have thousands of slots. */
const MOST_IDS = 64

const { reqProd, reqEvent, rspProd, rspEvent } = sringHeader.at

/**
 * What stands in a private copy of a ring's pages.
 * @param abi how the device's entries are laid out, if that is known
 */
export const requestRingFacts = (words: Int32Array, abi: BlkifAbi | undefined): RequestRing => {
  const slots = abi && ringSizeOf(words.length * 4, abi.slotBytes)
  const from = rspProd.get(words, 0)
  const unanswered = distance(reqProd.get(words, 0), from)
  return {
    kind: 'requests',
    reqProd: reqProd.get(words, 0),
    reqEvent: reqEvent.get(words, 0),
    rspProd: from,
    rspEvent: rspEvent.get(words, 0),
    ...(slots === undefined ? {} : { slots }),
    unanswered,
    ids: abi === undefined || unanswered > slots! ? [] : idsOf(words, abi, from, Math.min(unanswered, MOST_IDS)),
  }
}

const idsOf = (words: Int32Array, { slotBytes, request }: BlkifAbi, from: number, count: number): string[] => {
  const mask = ringSizeOf(words.length * 4, slotBytes) - 1
  return Array.from({ length: count }, (_, i) =>
    String(request.at.id.get(words, HEADER_WORDS + ((from + i) & mask) * (slotBytes / 4))),
  )
}

/** The start-of-day rings. */
export const BYTE_RINGS = { console: consoleRingView, xenstore: xenstoreRingView } as const

/** @param view the frontend's */
export const byteRingFacts = (words: Int32Array, { reads, writes }: ByteRingView): ByteRingFacts => {
  const queued = ({ prod, cons }: ByteRingView['reads']): number => distance(words[prod]!, words[cons]!)
  return {
    kind: 'bytes',
    toBackend: queued(writes),
    toBackendBytes: writes.bytes,
    toFrontend: queued(reads),
    toFrontendBytes: reads.bytes,
  }
}
