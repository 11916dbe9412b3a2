export { DEFAULT_LIMITS, type XenstoreLimits } from './limits.js'
export { type AcceptedAs, XenstoreServer, type XenstoreServerOptions } from './xenstore-server.js'
export type { XenstoreServerEvents } from './xenstore-server-events.js'
