import { EventWord, FifoControlBlock, PAGE_WORDS, type SharedMemory } from '@split-driver/abi'

/** Event words in one page of the event array: port `p` is word `p % 1024` of page `p / 1024`. */
export const EVENT_WORDS_PER_PAGE = PAGE_WORDS

/** Words from a control block's start. */
export const READY_WORD = FifoControlBlock.at.ready.word
export const HEAD_WORD = FifoControlBlock.at.head.word

/** The event array of one domain, as far as its guest has laid it out: pages of 1024 event words, no gap between. */
export interface EventArray {
  /** Page 0 … 127; undefined from the first one on that is not there yet. */
  page(index: number): SharedMemory | undefined
}

/** A page as the guest must hand it over: every word of it masked. @see EVTCHNOP_expand_array */
export const initEventPage = (page: SharedMemory): void => {
  for (let word = 0; word < EVENT_WORDS_PER_PAGE; word++) page.storeOrdered(word, EventWord.Masked)
}
