import { LEGACY_MAX_VCPUS, PAGE_WORDS } from '@split-driver/abi'
import { GRANT_ENTRIES_PER_FRAME } from '@split-driver/grant'

/**
 * Where the hypervisor keeps its own state: in frames of the machine, as 32-bit words, so that a domain in any thread
 * reaches it by plain code. Frame 0 holds the header; the frame table and the domain table follow; then come the frames
 * that belong to domains. Tables that grow are found through a directory of frame numbers (`PagedTable`). All word numbers
 * count from the start of what they describe.
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
  /** No frame below this one is free. */
  freeHint: 9,
  /** Changes whenever a domain has shut down or died: a futex word, for toolstacks. */
  exceptions: 10,
  /** First of the frames that hold the emergency console's output; behind them, one for its input. */
  consoleFrames: 11,
  /** Bytes ever put out, and ever typed and read, modulo 2³². */
  consoleProd: 12,
  consoleTyped: 13,
  consoleRead: 14,
  /** Domid + 1 of who has begun the last line and not ended it; 0 if nobody has. */
  consoleLine: 15,
} as const

/** Frames of the emergency console's output: 16 KiB, as Xen's own log. */
export const CONSOLE_LOG_FRAMES = 4

/** "XEMU". */
export const MACHINE_MAGIC = 0x554d_4558

/** Virtual CPUs of a domain at most: those that have a vcpu_info in the shared-info page. */
export const MAX_VCPUS = LEGACY_MAX_VCPUS

/** One record of the domain table. */
export const domainRecord = {
  state: 0,
  domid: 1,
  /** Bits of DomainFlag. */
  flags: 2,
  /** First frame and count of what was allocated when the domain was built: its fixed tables and its own memory. */
  firstFrame: 3,
  frameCount: 4,
  sharedInfo: 5,
  startInfo: 6,
  /** First frame and count of the domain's own memory. */
  memory: 7,
  memoryFrames: 8,
  /** First frame of its vcpu records. */
  vcpuTable: 9,
  vcpuCount: 10,
  /** Frames that hold the directories of its growing tables (`directory`). */
  eventDirectory: 11,
  tableDirectory: 12,
  maptrackDirectory: 13,
  /** How far each growing table reaches, in frames. */
  eventFrames: 14,
  grantFrames: 15,
  statusFrames: 16,
  activeFrames: 17,
  maptrackFrames: 18,
  /** How far they may grow: ports, and frames. */
  eventLimit: 19,
  maxGrantFrames: 20,
  maxMaptrackFrames: 21,
  /** No port below this one is free, but 0, which is none. */
  eventFreeHint: 22,
  openPorts: 23,
  /** An EventAbiNumber. */
  eventAbi: 24,
  /** 1 or 2. */
  grantVersion: 25,
  /** First free maptrack handle + 1, 0 if there is none; see Maptrack. */
  freeHandle: 26,
  /** Grants of this domain that somebody has pinned. */
  pinnedGrants: 27,
  /** Ports that start-of-day opened; 0 where there is none. */
  storePort: 28,
  consolePort: 29,
  /** Pages that the guest has given to its FIFO event array. */
  fifoPages: 30,
  /** The port that an EVTCHNOP_reset under way has come to; 0 where there is none. */
  eventResetAt: 31,
  /** One bit a vcpu that waits in SCHEDOP_poll: to be woken by any port that becomes pending, masked or not. */
  pollers: 32,
  /** Why its vcpus do not run: how often it is paused, and one more when it has shut down. A futex word. */
  holds: 40,
  /** SHUTDOWN_* + 1 once it has shut down, else 0. */
  shutdownCode: 41,
  /** 1 if it was let go on afresh after its last suspension. */
  renewed: 42,
  /** Its UUID, 16 bytes as 4 words. */
  handle: 43,
  /** Last free maptrack handle + 1. */
  lastFreeHandle: 47,
  /** One futex word a vcpu; changes whenever that vcpu may have something to do. Outlives the domain: see DomainTable. */
  wake: 64,
  words: 128,
} as const

/** Dying: killed, its vcpu may still run. Zombie: all taken back but pages that others have mapped. */
export const DomainState = { Free: 0, Building: 1, Running: 2, Dying: 3, Zombie: 4 } as const

/** Width32: its longs have 32 bits, and so have the shared-info and the start-of-day page that it finds. */
export const DomainFlag = { Privileged: 1, Width32: 2 } as const

/** Width of a guest's longs. */
export type WordBits = 32 | 64

/** The event ABI that a guest has chosen; two-level until it asks for FIFO. */
export const EventAbiNumber = { TwoLevel: 0, Fifo: 1 } as const

/** One virtual CPU. */
export const vcpuRecord = {
  /** 1 while it is up. */
  isUp: 24,
  /** The guest's page that holds its FIFO control block, and the word of it where that begins; frame 0 is none. */
  fifoFrame: 0,
  fifoWord: 1,
  /** Last port of each of its FIFO queues, 16 words. */
  fifoTail: 2,
  /** Port of each VIRQ that is bound on this vcpu, 0 for none: NR_VIRQS words. */
  virqPort: 32,
  words: 64,
} as const

export const VCPUS_PER_FRAME = PAGE_WORDS / vcpuRecord.words

/** VIRQs of xen.h, architecture's own ones included. @see xen.h NR_VIRQS */
export const NR_VIRQS = 24

/** One event channel. @see xen/include/public/event_channel.h EVTCHNSTAT_* */
export const channelRecord = {
  state: 0,
  remoteDomid: 1,
  remotePort: 2,
  virq: 3,
  /** Which vcpu is notified. */
  vcpu: 4,
  /** FIFO: priority at the next link, 0 (highest) to 15. */
  priority: 5,
  /** FIFO: the queue that it was linked into last, `vcpu * 16 + priority`. Outlives the channel. */
  lastQueue: 6,
  /** FIFO: 1 if it was raised while the guest's array had no page for it. */
  pending: 7,
  words: 8,
} as const

export const ChannelState = { Free: 0, Unbound: 1, Interdomain: 2, Virq: 3, Ipi: 4 } as const

/** Ports of the FIFO ABI. @see event_channel.h EVTCHN_FIFO_NR_CHANNELS */
export const FIFO_PORTS = 131_072

/** What the hypervisor knows of a grant that is in use; one beside each entry. `pins` holds four counts, see GrantPins. */
export const activeRecord = { pins: 0, frame: 1, domid: 2, words: 4 } as const

/** Most entries in one grant frame: those of version 1. */
const GRANTS_PER_FRAME = GRANT_ENTRIES_PER_FRAME

/** Most grant frames that a domain can be given. */
export const GRANT_FRAMES_CEILING = 256

/** One mapping that a domain holds. */
export const maptrackRecord = {
  /** GNTMAP_* bits below, granter above; bits 0: a free handle. */
  flags: 0,
  /** Of a free handle: the next free one + 1. */
  ref: 1,
  frame: 2,
  /** Page number of the address at which the holder mapped it. */
  hostPage: 3,
  words: 4,
} as const

export const HANDLES_PER_FRAME = PAGE_WORDS / maptrackRecord.words

/** Most maptrack frames that a domain can be given. */
export const MAPTRACK_FRAMES_CEILING = PAGE_WORDS

/** Where each growing table's frame numbers lie. */
export const growingTables = {
  events: {
    directory: domainRecord.eventDirectory,
    at: 0,
    reach: domainRecord.eventFrames,
    maxFrames: (FIFO_PORTS * channelRecord.words) / PAGE_WORDS,
    recordWords: channelRecord.words,
  },
  /** The pages that the guest writes its entries to; as records, whole frames. */
  grants: {
    directory: domainRecord.tableDirectory,
    at: 0,
    reach: domainRecord.grantFrames,
    maxFrames: GRANT_FRAMES_CEILING,
    recordWords: PAGE_WORDS,
  },
  active: {
    directory: domainRecord.tableDirectory,
    at: GRANT_FRAMES_CEILING,
    reach: domainRecord.activeFrames,
    maxFrames: (GRANT_FRAMES_CEILING * GRANTS_PER_FRAME * activeRecord.words) / PAGE_WORDS,
    recordWords: activeRecord.words,
  },
  /** Status words of version 2, 2048 in a frame; as records, whole frames. */
  statuses: {
    directory: domainRecord.tableDirectory,
    at: 3 * GRANT_FRAMES_CEILING,
    reach: domainRecord.statusFrames,
    maxFrames: GRANT_FRAMES_CEILING / 8,
    recordWords: PAGE_WORDS,
  },
  maptrack: {
    directory: domainRecord.maptrackDirectory,
    at: 0,
    reach: domainRecord.maptrackFrames,
    maxFrames: MAPTRACK_FRAMES_CEILING,
    recordWords: maptrackRecord.words,
  },
} as const

/** Where in `tableDirectory` the frames of a guest's FIFO event array are written down: its own pages, not ours. */
export const FIFO_ARRAY_AT = 3 * GRANT_FRAMES_CEILING + GRANT_FRAMES_CEILING / 8

/** Owners in the frame table: 0 is free, 1 the hypervisor, and above that domid + 2. */
export const FrameOwner = { Free: 0, Hypervisor: 1, firstDomain: 2 } as const
