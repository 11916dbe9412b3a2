import { EVTCHN_FIFO_QUEUES, EventWord, type Port, type SharedMemory } from '@split-driver/abi'
import { EVENT_WORDS_PER_PAGE, HEAD_WORD, READY_WORD } from './fifo-words.js'

const { Pending, Masked, Linked, Busy, LinkMask } = EventWord

/**
 * A word that the guest rewrites again and again is given up after this many tries: a guest that keeps to the rules can
 * change a linked word four times at most while BUSY is set.
 */
const LINK_TRIES = 4

/**
 * What a hypervisor keeps of one domain with the FIFO ABI. A queue is `vcpu * 16 + priority`. Whoever calls the functions
 * below sees to it that no other does for the same domain meanwhile; the guest may, at any time.
 */
export interface FifoDomain {
  /** The page of the event array that holds the port's word, at `port % 1024`; undefined until the guest lays it out. */
  arrayPage(port: number): SharedMemory | undefined
  /** The page that holds the vcpu's control block; undefined until the guest names one. */
  controlPage(vcpu: number): SharedMemory | undefined
  /** The word of that page where it begins. */
  controlWord(vcpu: number): number
  /** The last port of the queue, or 0. */
  tail(queue: number): number
  setTail(queue: number, port: number): void
  /** The queue that the port was linked into last. */
  lastQueue(port: number): number
  setLastQueue(port: number, queue: number): void
  /** Sets upcall_pending of the vcpu. @returns whether it was clear until now */
  raiseUpcall(vcpu: number): boolean
}

/**
 * Raises `port`: sets PENDING and, unless it is masked or in a queue already, puts it at the end of the queue of its vcpu and
 * priority; a new vcpu or priority counts only here. A port whose page of the array is missing is the caller's to remember.
 * @returns whether the vcpu must be woken
 * @see event_channel.h, "FIFO ABI"; rule 65
 */
export const setFifoPending = (domain: FifoDomain, port: Port, vcpu: number, priority: number): boolean => {
  const page = domain.arrayPage(port)
  const control = domain.controlPage(vcpu)
  if (page === undefined || control === undefined) return false
  const word = port % EVENT_WORDS_PER_PAGE
  page.or(word, Pending)
  if (page.loadOrdered(word) & Masked) return false
  if (page.or(word, Linked) & Linked) return false
  const queue = vcpu * EVTCHN_FIFO_QUEUES + priority
  const last = domain.lastQueue(port)
  // Linked only now, yet the tail: the guest has taken it off, so that queue is empty.
  if (domain.tail(last) === port) domain.setTail(last, 0)
  if (last !== queue) domain.setLastQueue(port, queue)
  const behindTail = appendTo(domain, domain.tail(queue), port)
  const base = domain.controlWord(vcpu)
  if (!behindTail) control.storeOrdered(base + HEAD_WORD + priority, port)
  domain.setTail(queue, port)
  if (behindTail) return false
  const bit = 1 << priority
  return (control.or(base + READY_WORD, bit) & bit) === 0 && domain.raiseUpcall(vcpu)
}

/** Forgets an event of a port that was closed. It stays in its queue until the guest takes it off (hostile row E2). */
export const clearFifoPending = (domain: FifoDomain, port: Port): void => {
  domain.arrayPage(port)?.and(port % EVENT_WORDS_PER_PAGE, ~Pending)
}

/** EVTCHNOP_unmask: clears MASKED for the guest and links the port if it is pending. @returns whether to wake the vcpu */
export const unmaskFifoPort = (domain: FifoDomain, port: Port, vcpu: number, priority: number): boolean => {
  const page = domain.arrayPage(port)
  if (page === undefined) return false
  const before = page.and(port % EVENT_WORDS_PER_PAGE, ~Masked)
  return (before & Pending) !== 0 && setFifoPending(domain, port, vcpu, priority)
}

/** A closed port that is still in a queue cannot be given out again: the guest has yet to take it off. */
export const isFifoLinked = (domain: FifoDomain, port: Port): boolean =>
  ((domain.arrayPage(port)?.loadOrdered(port % EVENT_WORDS_PER_PAGE) ?? 0) & Linked) !== 0

/** @returns whether `port` is now behind `tail`; false if the queue is empty, and its head is to be written */
const appendTo = (domain: FifoDomain, tail: number, port: number): boolean => {
  if (tail === 0) return false
  const page = domain.arrayPage(tail)
  return page !== undefined && setLink(page, tail % EVENT_WORDS_PER_PAGE, port)
}

/**
 * Writes `link` into a word that is still LINKED. BUSY keeps the guest from unmasking meanwhile.
 * @returns false if the guest has taken the word off; true also for a guest that would not leave it alone, and has lost an
 * event by that
 */
const setLink = (page: SharedMemory, word: number, link: number): boolean => {
  const first = page.loadOrdered(word)
  if ((first & Linked) === 0) return false
  if (page.compareExchange(word, first, linked(first, link)) === first) return true
  let seen = page.or(word, Busy) | Busy
  for (let tries = 0; tries < LINK_TRIES && (seen & Linked) !== 0; tries++) {
    const now = page.compareExchange(word, seen, linked(seen, link))
    if (now === seen) return true
    seen = now
  }
  page.and(word, ~Busy)
  return (seen & Linked) !== 0
}

const linked = (word: number, link: number): number => (word & ~(Busy | LinkMask)) | link
