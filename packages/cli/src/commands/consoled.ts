import type { EventRate } from '@split-driver/console'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { runConsoled } from '../consoled/run-consoled.js'
import { DEFAULT_SOCKET_FOLDER } from '../consoled/socket-names.js'
import { serveUntilStopped } from '../daemon/serve-until-stopped.js'
import type { ExitCode } from '../exit-code.js'
import { type LogLevel, logLevels, ProcessLog } from '../logging/log.js'
import type { CommandHost } from './command-host.js'

interface ConsoledCommandOptions {
  readonly logDir?: string
  readonly socketDir: string
  readonly eventRate: EventRate
  readonly logLevel: LogLevel
  readonly json: boolean
}

/** What xenconsoled allows a domain. */
const DEFAULT_RATE = '30/200'

const HELP = `
Files: LOG-DIR/domain-<domid>.log holds every byte that the domain wrote. SOCKET-DIR/domain-<domid>.sock is where
split-driver console attaches; SOCKET-DIR/consoled.sock keeps a second daemon out.
Signals: SIGTERM, SIGINT and SIGHUP take what the rings still hold and close everything in order.
Standard output says "ready"; the log of the daemon itself is on standard error.

Examples:
  split-driver consoled --log-dir /var/log/xen/console
  split-driver consoled --socket-dir ./sockets --event-rate unlimited`

/** `split-driver consoled`. */
export const addConsoled = (program: Command, host: CommandHost): void => {
  program
    .command('consoled')
    .description("serve guests' consoles, in place of xenconsoled")
    .option('--log-dir <folder>', 'append what each domain writes to a file in this folder')
    .option('--socket-dir <folder>', 'where consoles are attached to', DEFAULT_SOCKET_FOLDER)
    .addOption(
      new Option('--event-rate <n/ms>', 'events of a domain that are served in so many milliseconds, or "unlimited"')
        .argParser(eventRate)
        .default(eventRate(DEFAULT_RATE), DEFAULT_RATE),
    )
    .addOption(new Option('--log-level <level>', 'what the daemon says of itself').choices(logLevels).default('info'))
    .option('--json', 'log lines of JSON in place of text', false)
    .addHelpText('after', HELP)
    .action(async (options: ConsoledCommandOptions) => host.finish(await consoled(options, host)))
}

const eventRate = (text: string): EventRate => {
  if (text === 'unlimited') return { events: Number.POSITIVE_INFINITY, milliseconds: 1 }
  const [, events, milliseconds] = /^([1-9]\d{0,8})\/([1-9]\d{0,8})$/.exec(text) ?? []
  if (events === undefined) throw new InvalidArgumentError(`Expected ${DEFAULT_RATE}, for example, or "unlimited".`)
  return { events: Number(events), milliseconds: Number(milliseconds) }
}

const consoled = async (options: ConsoledCommandOptions, host: CommandHost): Promise<ExitCode> => {
  const { logDir, socketDir, eventRate, logLevel, json } = options
  await using platform = await host.openPlatform()
  await using processLog = new ProcessLog({ level: logLevel, json, clock: platform.clock })
  const { log } = processLog
  const folders = { socketFolder: socketDir, ...(logDir === undefined ? {} : { logFolder: logDir }) }
  const open = () => runConsoled(platform, { ...folders, eventRate, log })
  return await serveUntilStopped({ open, clock: platform.clock, log })
}
