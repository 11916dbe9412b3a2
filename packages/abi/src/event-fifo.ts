import { u32, words } from './fields.js'
import { struct } from './layout.js'

/** Ports of the FIFO ABI. @see event_channel.h EVTCHN_FIFO_NR_CHANNELS */
export const EVTCHN_FIFO_CHANNELS = 131_072

/** Bits of an event word that name the next port in its queue. @see event_channel.h EVTCHN_FIFO_LINK_BITS */
export const EVTCHN_FIFO_LINK_BITS = 17

/** Queues of a virtual CPU: one a priority, 0 the highest. @see event_channel.h EVTCHN_FIFO_MAX_QUEUES */
export const EVTCHN_FIFO_QUEUES = 16

/** @see event_channel.h EVTCHN_FIFO_PRIORITY_MAX, _DEFAULT, _MIN */
export const EventPriority = { Max: 0, Default: 7, Min: 15 } as const

/** The bits of an event word, as numbers in `Int32Array` are: bit 31 makes it negative. @see event_channel.h */
export const EventWord = {
  Pending: 1 << 31,
  Masked: 1 << 30,
  Linked: 1 << 29,
  Busy: 1 << 28,
  /** The port of the next event in the queue; 0 ends it. */
  LinkMask: (1 << EVTCHN_FIFO_LINK_BITS) - 1,
} as const

/** One a virtual CPU, anywhere in a page of the guest's. @see event_channel.h evtchn_fifo_control_block */
export const FifoControlBlock = struct('evtchn_fifo_control_block', 72, {
  /** Bit `p` says that the queue of priority `p` has events. */
  ready: u32(0),
  rsvd: u32(4),
  /** The first port of each priority's queue. */
  head: words(8, EVTCHN_FIFO_QUEUES),
})
