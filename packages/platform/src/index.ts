export type { Capabilities } from './capabilities.js'
export type { Clock, Timer } from './clock.js'
export type { DomainState, DomainStates } from './domain-states.js'
export type { Platform } from './platform.js'
