export { DEFAULT_LIMITS, type XenstoreLimits } from './quotas/limits.js'
export { type AcceptedAs, type Holdings, XenstoreServer, type XenstoreServerOptions } from './xenstore-server.js'
export type { XenstoreServerEvents } from './xenstore-server-events.js'
