export {
  ConsoleBackend,
  type ConsoleBackendEvents,
  type ConsoleBackendOptions,
  type ConsoleReaderOptions,
  type ConsoleWriter,
  DEFAULT_LOG_BYTES,
} from './backend.js'
export { ByteLog } from './byte-log.js'
export { ConsoleDaemon, type ConsoleDaemonEvents, type ConsoleDaemonOptions, DEFAULT_DEAD_LOGS } from './daemon.js'
export { type EventRate, XENCONSOLED_EVENT_RATE } from './event-allowance.js'
export { ConsoleFrontend, type ConsoleFrontendEvents, type ConsoleFrontendOptions } from './frontend.js'
export { CONSOLE_KEYS, CONSOLE_TYPE, primaryConsolePath } from './keys.js'
export { type ConsoleChange, changes$, output$ } from './observe.js'
export { findPrimaryConsole, MAX_LOG_BYTES, type PrimaryConsole } from './primary-console.js'
export { PrintableText, printable } from './printable.js'
export type { ConsoleReader } from './reader.js'
export { backendRing, CONSOLE_IN_BYTES, CONSOLE_OUT_BYTES, frontendRing } from './wire.js'
