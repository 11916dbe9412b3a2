import { bytes, struct, u32 } from '@split-driver/abi'

/** Bytes of each of the page's two rings. @see xs_wire.h XENSTORE_RING_SIZE */
export const XENSTORE_RING_BYTES = 1024

/** The page through which a domain talks to XenStore. @see xs_wire.h struct xenstore_domain_interface (rule 54) */
export const xenstoreDomainInterface = struct('xenstore_domain_interface', 2076, {
  req: bytes(0, XENSTORE_RING_BYTES),
  rsp: bytes(XENSTORE_RING_BYTES, XENSTORE_RING_BYTES),
  reqCons: u32(2048),
  reqProd: u32(2052),
  rspCons: u32(2056),
  rspProd: u32(2060),
  /** Bits of `XenStoreServerFeature`, set by the server. */
  serverFeatures: u32(2064),
  /** One of `XenStoreConnection`. */
  connection: u32(2068),
  /** One of `XenStoreRingError`, set by the server when it gives the connection up. */
  error: u32(2072),
})

/** @see xs_wire.h XENSTORE_SERVER_FEATURE_*; the last is docs/misc/xenstore-ring.txt's bit 2 */
export const XenStoreServerFeature = { Reconnection: 1, Error: 2, WatchDepth: 4 } as const

/** @see xs_wire.h XENSTORE_CONNECTED, XENSTORE_RECONNECT */
export const XenStoreConnection = { Connected: 0, Reconnect: 1 } as const

/** @see xs_wire.h XENSTORE_ERROR_* */
export const XenStoreRingError = {
  None: 0,
  /** The event channel does not work. */
  Communication: 1,
  /** Indices more than a ring apart. */
  RingIndex: 2,
  /** A body announced as longer than 4096 bytes. */
  Protocol: 3,
} as const

export type XenStoreRingError = (typeof XenStoreRingError)[keyof typeof XenStoreRingError]
