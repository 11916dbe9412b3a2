export type { BlkbackConfig, ImageFolder, ImageOptions, NamedImage } from './blkback/blkback-config.js'
export { BlkbackDaemon, type BlkbackEvents, type OpenedImage } from './blkback/blkback-daemon.js'
export { ImageCatalog } from './blkback/image-catalog.js'
export { readBlkbackConfig } from './blkback/read-blkback-config.js'
export { type RunBlkbackOptions, runBlkback } from './blkback/run-blkback.js'
export type { ServedDisk } from './blkback/served-disk.js'
export { runCommandLine } from './command-line.js'
export type { CommandWorld } from './commands/command-host.js'
export { ConfigError } from './config/config-error.js'
export { type AttachedConsole, type AttachOptions, attachConsole } from './consoled/attach-console.js'
export type { AttachRequest } from './consoled/attach-request.js'
export { logFileName } from './consoled/console-session.js'
export { ConsoledDaemon, type ConsoledEvents, type ConsoledOptions } from './consoled/consoled-daemon.js'
export { type RunConsoledOptions, runConsoled } from './consoled/run-consoled.js'
export { DEFAULT_SOCKET_FOLDER, domainSocket } from './consoled/socket-names.js'
export { ControlClient } from './control/control-client.js'
export type {
  ArgumentsOf,
  DiskLine,
  DomainLine,
  OperationName,
  Operations,
  ResultOf,
  VcpuLine,
} from './control/operations.js'
export { defaultSocketPath } from './control/socket-path.js'
export type { Daemon } from './daemon/daemon.js'
export { diagnose } from './doctor/diagnose.js'
export type { DaemonVerdict, Diagnosis, Finding } from './doctor/finding.js'
export { ExitCode } from './exit-code.js'
export { type Log, type LogFields, type LogLevel, ProcessLog, type ProcessLogOptions } from './logging/log.js'
export { type BootedHost, MachineDaemon, type MachineDaemonOptions } from './machine/machine-daemon.js'
export type { Assignment, ConfigAtom, ConfigList, ConfigValue, Place } from './xl-config/config-syntax.js'
export { type DiskFormat, type DiskSpec, DiskSpecError, parseDiskSpec } from './xl-config/disk-spec.js'
export type { DiskConfig, DomainConfig, ShutdownAction } from './xl-config/domain-config.js'
export { parseConfig } from './xl-config/parse-config.js'
export { type PlainValue, printConfig } from './xl-config/print-config.js'
export { type ReadDomainConfig, readDomainConfig } from './xl-config/read-domain-config.js'
