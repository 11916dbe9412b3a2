import type { BackRing } from '@split-driver/ring'
import type { BlkifAbi } from '../wire/blkif-abi.js'
import type { BlkifStatus } from '../wire/operations.js'
import type { FetchedRequest } from './fetched-request.js'

/**
 * Answers `request` in the next free slot: id and operation echoed (rule 12), and the status. Only these eleven bytes are
 * written, field by field; padding and the rest of the slot keep what the frontend itself put there (R3).
 */
export const putResponse = (ring: BackRing, abi: BlkifAbi, request: FetchedRequest, status: BlkifStatus): void => {
  const { at } = abi.response
  const word = ring.responseWord()
  ring.memory.copyIn(word + at.id.word, request.words, abi.request.at.id.word, 2)
  ring.memory.store8(word * 4 + at.operation.offset, request.operation)
  ring.memory.store16(word * 2 + at.status.offset / 2, status & 0xffff)
  ring.advanceResponses()
}
