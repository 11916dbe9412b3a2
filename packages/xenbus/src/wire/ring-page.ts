/**
 * Bits of the page's `serverFeatures`; a client ignores those it does not know. The last one is bit 2 of
 * docs/misc/xenstore-ring.txt.
 * @see xen/include/public/io/xs_wire.h XENSTORE_SERVER_FEATURE_*
 */
export const XenStoreServerFeature = { Reconnection: 1, Error: 2, WatchDepth: 4 } as const

/** What the page's `connection` says. @see xs_wire.h XENSTORE_CONNECTED, XENSTORE_RECONNECT */
export const XenStoreConnection = { Connected: 0, Reconnect: 1 } as const

/** Why a server gave a page's connection up, in its `error`. @see xs_wire.h XENSTORE_ERROR_* (rules 38, 54) */
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
