import { basename, dirname, join } from 'node:path'
import { xenstoreSocketPath } from '@split-driver/xenbus/node'
import { DEFAULT_QUOTAS, QUOTA_MEANINGS, QUOTA_NAMES, type QuotaValues } from '@split-driver/xenstored'
import { inheritedEvents, stateFile, takeSavedState } from '@split-driver/xenstored/node'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { serveUntilStopped } from '../daemon/serve-until-stopped.js'
import type { ExitCode } from '../exit-code.js'
import { DomainAllowance } from '../logging/domain-allowance.js'
import { type LogLevel, logLevels, ProcessLog } from '../logging/log.js'
import { XenstoredDaemon } from '../xenstored/xenstored-daemon.js'
import type { CommandHost } from './command-host.js'

interface XenstoredCommandOptions {
  readonly host?: boolean
  readonly socket?: string[]
  readonly persist?: string
  readonly persistSync: boolean
  readonly liveUpdate: boolean
  readonly pidFile?: string
  readonly log?: string
  readonly traceFile?: string
  readonly logLevel: LogLevel
  readonly json: boolean
}

const HELP = `
Serves a socket of mode 0600, as Xen's own xenstored does: the tools and libraries of Xen find it by XENSTORED_PATH or
XENSTORED_RUNDIR, or at /run/xenstored/socket. In dom0, whose kernel offers /proc/xen/xsd_kva, it serves dom0's own ring
and all domains that are introduced. Elsewhere there are no domains, and INTRODUCE is refused.
Quotas bound what one unprivileged domain may have; 0 is no bound. xenstore control quota tells and sets them later.
With --persist nothing that was acknowledged is lost, however the daemon ends; with --persist-sync not even with the power.
The next one also goes on with the rings of its domains, in the midst of what they ask; sockets connect anew.
xenstore control live-update puts another program, such as a newer split-driver, in its place.
Signals: SIGTERM and SIGINT close everything in order; SIGHUP opens the log file anew, for who rotates it.
Standard output says "ready"; the log is on standard error unless --log names a file.

Examples:
  split-driver xenstored
  split-driver xenstored --socket ./store.sock --quota-nodes 2000 --quota-watches 256
  split-driver xenstored --persist /var/lib/split-driver/xenstored
  split-driver xenstored --log /var/log/xen/xenstored.log --pid-file /run/xenstored.pid`

/** `split-driver xenstored`. */
export const addXenstored = (program: Command, host: CommandHost): void => {
  const command = program
    .command('xenstored')
    .description('serve XenStore, in place of xenstored')
    .option('--socket <path>', 'listen here in place of the usual place; may be given again', collected)
    .option('--host', 'serve the domains of this Xen host; found out unless given')
    .option('--no-host', 'serve the sockets alone, also where Xen is')
    .option('--persist <folder>', 'keep all that is acknowledged in this folder, and begin with what is there')
    .option('--persist-sync', 'wait for the disk each time, for whoever fears a loss of power', false)
    .option('--pid-file <file>', 'hold the process id in this file')
    .option('--log <file>', 'append the log to this file')
    .option('--trace-file <file>', 'append every request and reply to this file; xenstore control log ends that')
    .addOption(new Option('--log-level <level>', 'what the daemon says of itself').choices(logLevels).default('info'))
    .option('--json', 'log lines of JSON in place of text', false)
  const resume = 'go on with what another program in this process has left'
  command.addOption(new Option('-U, --live-update', resume).default(false).hideHelp())
  for (const name of QUOTA_NAMES)
    command.option(`--quota-${name} <n>`, `${QUOTA_MEANINGS[name]}; ${DEFAULT_QUOTAS[name]} unless given`, quota)
  command
    .addHelpText('after', HELP)
    .action(async (options: XenstoredCommandOptions) => host.finish(await xenstored(command, options, host)))
}

const collected = (path: string, before: string[] = []): string[] => [...before, path]

const quota = (text: string): number => {
  if (/^\d{1,10}$/.test(text) && Number(text) <= 0xffff_ffff) return Number(text)
  throw new InvalidArgumentError('Expected a whole number; 0 is no bound.')
}

const quotasOf = (command: Command): Partial<QuotaValues> => {
  const given = new Map(command.options.map((option) => [option.long, command.getOptionValue(option.attributeName())]))
  const values = QUOTA_NAMES.map((name) => [name, given.get(`--quota-${name}`)] as const)
  return Object.fromEntries(values.filter(([, value]) => value !== undefined))
}

/** Beside the first socket that is named, unless the environment says where; else where the original leaves it, too. */
const stateFileOf = (socket: string | undefined, { env } = process): string =>
  env['XENSTORED_RUNDIR'] !== undefined || socket === undefined
    ? stateFile(env)
    : join(dirname(socket), basename(stateFile(env)))

const xenstored = async (command: Command, options: XenstoredCommandOptions, host: CommandHost): Promise<ExitCode> => {
  const {
    socket: sockets = [xenstoreSocketPath()],
    persist,
    pidFile,
    traceFile,
    log: logFile,
    logLevel: level,
    json,
  } = options
  const file = stateFileOf(options.socket?.[0])
  const saved = options.liveUpdate ? takeSavedState(file) : undefined
  const evtchnFd = saved && inheritedEvents(saved)
  await using machine = await host.openStoreMachine({ host: options.host, evtchnFd })
  const { clock } = machine.platform
  await using processLog = new ProcessLog({ level, json, clock, file: logFile })
  const { log } = processLog
  if (machine.complaint !== undefined) log.warn({ event: 'machine' }, machine.complaint)
  const daemonOptions = {
    sockets,
    quotas: quotasOf(command),
    logFolder: process.cwd(),
    stateFile: file,
    saved,
    log: new DomainAllowance(log, clock),
    ...(persist === undefined ? {} : { persist: { folder: persist, sync: options.persistSync } }),
    ...(pidFile === undefined ? {} : { pidFile }),
    ...(traceFile === undefined ? {} : { traceFile }),
  }
  const open = async (): Promise<XenstoredDaemon> => {
    const daemon = await XenstoredDaemon.open(machine, daemonOptions)
    log.info({ event: 'machine', machine: machine.name }, 'the store is there')
    return daemon
  }
  return await serveUntilStopped({ open, clock, log, reload: () => processLog.reopen() })
}
