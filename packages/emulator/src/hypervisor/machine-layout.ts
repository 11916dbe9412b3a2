import { PAGE_WORDS } from '@split-driver/abi'

/**
 * Where the hypervisor keeps its own state: in frames of the machine, as 32-bit words, so that a domain in any thread
 * reaches it by plain code. Frame 0 holds the header; the frame table and the domain table follow; then come the frames
 * that belong to domains. All word numbers count from the start of what they describe.
 */

/** Frame 0. */
export const header = {
  magic: 0,
  frameCount: 1,
  lock: 2,
  /** Domid + 1 of the lock's holder, so that a lock whose holder was killed can be freed. */
  lockOwner: 3,
  nextDomid: 4,
  domainSlots: 5,
  /** First frame of the frame table, of the domain table, and of what can be allocated. */
  frameTable: 6,
  domainTable: 7,
  firstFree: 8,
} as const

/** "XEMU". */
export const MACHINE_MAGIC = 0x554d_4558

/** One record of the domain table. */
export const domainRecord = {
  state: 0,
  /** Changes whenever the domain may have something to do: what a sleeping vcpu waits on. */
  wake: 1,
  domid: 2,
  /** Bits of DomainFlag. */
  flags: 3,
  firstFrame: 4,
  frameCount: 5,
  sharedInfo: 6,
  startInfo: 7,
  eventTable: 8,
  grantTable: 9,
  grantFrames: 10,
  activeTable: 11,
  maptrack: 12,
  maptrackFrames: 13,
  /** First frame and count of the domain's own memory. */
  memory: 14,
  memoryFrames: 15,
  /** Where the next search for a free handle begins. */
  handleHint: 18,
  /** Grants of this domain that somebody has pinned. */
  pinnedGrants: 19,
  /** Ports that start-of-day opened; 0 where there is none. */
  storePort: 20,
  consolePort: 21,
  words: 32,
} as const

/** Dying: killed, its vcpu may still run. Zombie: all taken back but pages that others have mapped. */
export const DomainState = { Free: 0, Building: 1, Running: 2, Dying: 3, Zombie: 4 } as const

export const DomainFlag = { Privileged: 1 } as const

/** One event channel. @see xen/include/public/event_channel.h EVTCHNSTAT_* */
export const channelRecord = { state: 0, remoteDomid: 1, remotePort: 2, virq: 3, words: 4 } as const

export const ChannelState = { Free: 0, Unbound: 1, Interdomain: 2, Virq: 3, Ipi: 4 } as const

/** Ports of the two-level ABI on a 64-bit machine. */
export const PORTS = 4096

export const EVENT_TABLE_FRAMES = (PORTS * channelRecord.words) / PAGE_WORDS

/** What the hypervisor knows of a grant that is in use; one beside each v1 entry. */
export const activeRecord = { readers: 0, writers: 1, frame: 2, domid: 3, words: 4 } as const

/** v1 entries in one grant frame. */
export const GRANTS_PER_FRAME = PAGE_WORDS / 2

export const ACTIVE_FRAMES_PER_GRANT_FRAME = (GRANTS_PER_FRAME * activeRecord.words) / PAGE_WORDS

/** One mapping that a domain holds. `state` 0 is a free handle. */
export const maptrackRecord = { state: 0, granter: 1, ref: 2, frame: 3, words: 4 } as const

export const MapState = { Free: 0, ReadOnly: 1, Writable: 2 } as const

export const HANDLES_PER_FRAME = PAGE_WORDS / maptrackRecord.words

/** Owners in the frame table: 0 is free, 1 the hypervisor, and above that domid + 2. */
export const FrameOwner = { Free: 0, Hypervisor: 1, firstDomain: 2 } as const
