import { EmulatedHost } from '@split-driver/emulator'
import type { Platform } from '@split-driver/platform'
import { tracePlatform } from '@split-driver/trace'
import { XenstoreServer } from '@split-driver/xenstored'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { serveUntilStopped } from '../daemon/serve-until-stopped.js'
import type { ExitCode } from '../exit-code.js'
import { type LogLevel, logLevels, ProcessLog } from '../logging/log.js'
import { MachineDaemon } from '../machine/machine-daemon.js'
import { TraceFile } from '../machine/trace-file.js'
import type { CommandHost } from './command-host.js'
import { addSocketOption, type SocketOption } from './socket-option.js'

interface MachineOptions extends SocketOption {
  readonly memory: number
  readonly maxDomains: number
  readonly logDir?: string
  readonly dumpDir?: string
  readonly trace?: string
  readonly logLevel: LogLevel
  readonly json: boolean
}

const HELP = `
An emulated Xen host in the foreground: domain 0 with XenStore, a block backend and a console daemon in this process, and
each guest in a worker thread of its own. The other commands reach it by its control socket, which is its user's alone.
Signals: SIGTERM and SIGINT end every domain and then the host, in order.
Standard output says "ready"; the log is on standard error.

Examples:
  split-driver machine
  split-driver machine --memory 2048 --log-dir ./consoles --socket ./lab.sock`

/** Beside the machine's own memory. @see MachineSize */
const MOST_MEMORY = 4095
const MOST_DOMAINS = 1024

/** `split-driver machine`. */
export const addMachine = (program: Command, host: CommandHost): void => {
  const command = program
    .command('machine')
    .description('run an emulated Xen host, for create, list, console and the others')
    .option('--memory <MiB>', 'memory of the whole host', wholeNumber(MOST_MEMORY), 1024)
    .option('--max-domains <n>', 'domains that there can be at a time', wholeNumber(MOST_DOMAINS), 64)
    .option('--log-dir <folder>', 'append what each domain writes to a file in this folder')
    .option('--dump-dir <folder>', 'where core dumps go that a configuration asks for')
    .option('--trace <file>', 'at the end, the last steps of domain 0: Chrome trace JSON, or text if it ends in .txt')
    .addOption(new Option('--log-level <level>', 'what the host says of itself').choices(logLevels).default('info'))
    .option('--json', 'log lines of JSON in place of text', false)
  addSocketOption(command)
    .addHelpText('after', HELP)
    .action(async (options: MachineOptions) => host.finish(await machine(options)))
}

const wholeNumber =
  (most: number) =>
  (text: string): number => {
    if (/^[1-9]\d{0,5}$/.test(text) && Number(text) <= most) return Number(text)
    throw new InvalidArgumentError(`Expected a whole number from 1 to ${most}.`)
  }

const machine = async (options: MachineOptions): Promise<ExitCode> => {
  const { memory: memoryMiB, maxDomains, socket: socketPath, logDir, dumpDir, logLevel: level, json } = options
  await using trace = options.trace === undefined ? undefined : await TraceFile.open(options.trace)
  let server: XenstoreServer | undefined
  const xenstored = (dom0: Platform) => {
    server = new XenstoreServer(tracePlatform(dom0, trace?.recorder))
    return server
  }
  await using host = await EmulatedHost.boot({ mode: 'threads', memoryMiB, maxDomains, xenstored })
  const { clock } = host.dom0
  await using processLog = new ProcessLog({ level, json, clock })
  const { log } = processLog
  const places = {
    socketPath,
    ...(logDir === undefined ? {} : { logFolder: logDir }),
    ...(dumpDir === undefined ? {} : { dumpFolder: dumpDir }),
  }
  const dom0 = tracePlatform(host.dom0, trace?.recorder)
  const open = async (): Promise<MachineDaemon> => {
    const daemon = await MachineDaemon.open({ host, xenstored: server!, dom0 }, { ...places, log })
    log.info({ event: 'listen', socket: socketPath, memory: memoryMiB }, 'the machine is up')
    return daemon
  }
  return await serveUntilStopped({ open, clock, log })
}
