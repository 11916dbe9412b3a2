/** XenStore's names, verbatim. @see xen/include/public/io/blkif.h "Feature and Parameter Negotiation" */

/** What the backend's own directory says of the disk; only the toolstack writes here. */
export const MODE = 'mode'
export const PARAMS = 'params'
export const TYPE = 'type'
export const DEVICE_TYPE = 'device-type'
export const DISCARD_ENABLE = 'discard-enable'

/** What the backend publishes. */
export const SECTORS = 'sectors'
export const SECTOR_SIZE = 'sector-size'
export const PHYSICAL_SECTOR_SIZE = 'physical-sector-size'
export const INFO = 'info'
export const FEATURE_FLUSH_CACHE = 'feature-flush-cache'
export const FEATURE_BARRIER = 'feature-barrier'
export const FEATURE_DISCARD = 'feature-discard'
export const DISCARD_GRANULARITY = 'discard-granularity'
export const DISCARD_ALIGNMENT = 'discard-alignment'
export const DISCARD_SECURE = 'discard-secure'
export const FEATURE_MAX_INDIRECT_SEGMENTS = 'feature-max-indirect-segments'
export const MAX_RING_PAGE_ORDER = 'max-ring-page-order'
/** The older name of the same, in pages. Both are published (blkif.h, note 3). */
export const MAX_RING_PAGES = 'max-ring-pages'

/** What each half publishes. */
export const FEATURE_PERSISTENT = 'feature-persistent'

/** What the frontend publishes. */
export const RING_REF = 'ring-ref'
export const ringRef = (page: number): string => `${RING_REF}${page}`
export const RING_PAGE_ORDER = 'ring-page-order'
/** The older name of the same, in pages. */
export const NUM_RING_PAGES = 'num-ring-pages'
export const EVENT_CHANNEL = 'event-channel'
export const PROTOCOL = 'protocol'
export const VIRTUAL_DEVICE = 'virtual-device'
/** Written by the toolstack for the frontend: 0 if it must not believe the backend. */
export const TRUSTED = 'trusted'
