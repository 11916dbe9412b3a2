export type { EventChannels } from './event-channels.js'
