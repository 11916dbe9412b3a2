export type { ControlCommand, ControlExchange } from './control/control-command.js'
export {
  type LiveUpdateOptions,
  liveUpdateCommand,
  type Successor,
  type SuccessorProgram,
} from './control/live-update-command.js'
export type { LogFile, ServerConsole } from './control/server-console.js'
export { DEFAULT_LIMITS, type XenstoreLimits } from './quotas/limits.js'
export type { MemoryLevel } from './quotas/memory-alarm.js'
export {
  DEFAULT_QUOTAS,
  QUOTA_MEANINGS,
  QUOTA_NAMES,
  type QuotaName,
  type QuotaValues,
  quotaNameOf,
} from './quotas/quota-values.js'
export type { ObservedClient, ObservedKind, ServerObserver } from './server-observer.js'
export type { FoundState, Journal, SavedForJournal } from './state/journal/journal.js'
export type { JournalBatch, JournalEntry } from './state/journal/journal-entry.js'
export type { ResumeOptions } from './state/restore-server.js'
export type { SaveOptions } from './state/save-server.js'
export * from './state/stream/index.js'
export { readSavedState, type SavedState } from './state/supplement/saved-state.js'
export type { AcceptedAs } from './transport/accepted-channel.js'
export { type Holdings, type ServerPlatform, XenstoreServer } from './xenstore-server.js'
export type { XenstoreServerEvents } from './xenstore-server-events.js'
export type { XenstoreServerOptions } from './xenstore-server-options.js'
