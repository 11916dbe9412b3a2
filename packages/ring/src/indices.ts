import type { SharedMemory } from '@split-driver/abi'

/**
 * All arithmetic on ring indices. They run freely through all of u32 and are masked only to reach a slot (rule 3), so two
 * indices are never compared with each other: only how far one is ahead of the other can be.
 */

/** Words of the shared header that precede the slots. */
export const HEADER_WORDS = 16

const HEADER_BYTES = HEADER_WORDS * 4

/** How far `ahead` is in front of `behind`, as u32; huge if it is behind. */
export const distance = (ahead: number, behind: number): number => (ahead - behind) >>> 0

/**
 * The index `steps` further on, as a signed word: the form in which indices are kept, because it never leaves the range
 * of a machine integer. `>>> 0` makes it the u32 that the field speaks of.
 */
export const after = (index: number, steps: number): number => (index + steps) | 0

/**
 * Has the producer passed the index at which the consumer wants to be woken?
 * @see xen/include/public/io/ring.h RING_PUSH_REQUESTS_AND_CHECK_NOTIFY
 */
export const mustNotify = (newProd: number, event: number, oldProd: number): boolean =>
  distance(newProd, event) < distance(newProd, oldProd)

/**
 * Slots in a ring: the largest power of two that fits behind the header (rule 2).
 * @param bytes of the whole shared ring, header and all
 * @param slotBytes size of the larger of request and response
 * @throws RangeError if a slot is no whole number of words, or not one fits
 * @see xen/include/public/io/ring.h __RING_SIZE
 */
export const ringSizeOf = (bytes: number, slotBytes: number): number => {
  if (!Number.isInteger(slotBytes) || slotBytes <= 0 || slotBytes % 4 !== 0)
    throw new RangeError(`a ring's slot must be a whole number of words, not ${slotBytes} bytes`)
  const fitting = Math.floor((bytes - HEADER_BYTES) / slotBytes)
  if (!(fitting > 0)) throw new RangeError(`no slot of ${slotBytes} bytes fits a ring of ${bytes} bytes`)
  return 1 << (31 - Math.clz32(fitting))
}

/**
 * A ring's memory and where its slots lie in it; both ends build on this. It keeps even the header's size, because V8
 * fetches a module's constants and functions anew at every use, which cost the hot paths a tenth.
 */
export abstract class RingSlots {
  readonly memory: SharedMemory
  /** In slots; a power of two. */
  readonly ringSize: number = 0
  /** Size of a slot, in words. */
  readonly slotWords: number = 0
  readonly #mask: number = 0
  readonly #firstWord: number = HEADER_WORDS

  /** @throws RangeError as `ringSizeOf` */
  protected constructor(memory: SharedMemory, slotBytes: number) {
    this.memory = memory
    this.ringSize = ringSizeOf(memory.byteLength, slotBytes)
    this.slotWords = slotBytes / 4
    this.#mask = this.ringSize - 1
  }

  /** The word of `memory` at which slot `index` begins. @see ring.h RING_GET_REQUEST, RING_GET_RESPONSE */
  slotWord(index: number): number {
    return this.wordAhead(index, 0)
  }

  /** The word at which the slot `ahead` places beyond `index` begins. */
  protected wordAhead(index: number, ahead: number): number {
    return (this.#firstWord + Math.imul((index + ahead) & this.#mask, this.slotWords)) | 0
  }
}

/**
 * Bytes in each of a flexible ring's two directions (rule 10).
 * @param order of the pages that hold both directions together
 * @see xen/include/public/io/ring.h XEN_FLEX_RING_SIZE
 */
export const flexRingBytes = (order: number): number => 1 << (order + 11)
