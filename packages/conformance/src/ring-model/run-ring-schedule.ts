import { RingModel, type RingShape } from './ring-model.js'

/** Slot sizes in bytes: blkif's on 64 and on 32 bits, netif's, and some between. */
export const RING_SLOT_BYTES: readonly number[] = [112, 108, 64, 20, 12]

/** Where indices start: at the beginning, and just before the two places where arithmetic on them goes wrong. */
export const RING_FIRST_INDICES: readonly number[] = [0, 2 ** 31 - 2, 2 ** 32 - 2]

export const RING_MAX_ORDER = 4

/** What a step can be: the low 3 bits of its byte pick. */
const STEPS: readonly ((model: RingModel, amount: number) => void)[] = [
  (model, amount) => model.putRequests(amount),
  (model) => model.pushRequests(),
  (model, amount) => model.takeRequests(amount),
  (model, amount) => model.putResponses(amount),
  (model) => model.pushResponses(),
  (model, amount) => model.takeResponses(amount),
  (model) => model.finalCheckForRequests(),
  (model) => model.finalCheckForResponses(),
]

/** The other bits pick how much of it: 0 … 15 entries, or 1 … 16 sixteenths of the ring. */
const amountOf = (byte: number, ringSize: number): number => {
  const high = byte >>> 3
  return high < 16 ? high : ((high - 15) * ringSize) >>> 4
}

/**
 * Runs both ends of a ring through a schedule, one step a byte, beside the model.
 * @throws ConformanceFailure at the first step after which they differ
 */
export const runRingSchedule = (shape: RingShape, schedule: Uint8Array): void => {
  const model = new RingModel(shape)
  for (const byte of schedule) {
    STEPS[byte & 7]!(model, amountOf(byte, model.size))
    model.assertAgrees()
  }
  model.assertAttaches()
}
