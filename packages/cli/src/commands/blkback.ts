import type { Command } from 'commander'
import type { BlkbackDaemon } from '../blkback/blkback-daemon.js'
import { readBlkbackConfig } from '../blkback/read-blkback-config.js'
import { runBlkback } from '../blkback/run-blkback.js'
import { serveUntilStopped } from '../daemon/serve-until-stopped.js'
import type { ExitCode } from '../exit-code.js'
import { type Log, ProcessLog } from '../logging/log.js'
import type { CommandHost } from './command-host.js'

interface BlkbackOptions {
  readonly config: string
  readonly json: boolean
}

const HELP = `
The configuration is JSON with comments:

  {
    // The directory below backend/ that is served. Linux's own xen-blkback looks into "vbd" alone.
    "kind": "vbd",
    "logLevel": "info",                                    // debug, info, warn, error
    // XenStore's params names one of these …
    "images": { "root": { "file": "root.img", "readOnly": false, "sectorBytes": 512 } },
    // … or is a path that, every link followed, ends up below one of these.
    "folders": [{ "path": "/srv/scratch", "readOnly": true }]
  }

Signals: SIGTERM and SIGINT close every device in order; SIGHUP reads the configuration again, for disks opened later,
and looks whether images have another size by now, of which their guests are told.
Standard output says "ready"; the log is on standard error.

Examples:
  split-driver blkback --config blkback.json
  split-driver blkback --config blkback.json --json 2>>blkback.log`

/** `split-driver blkback`. */
export const addBlkback = (program: Command, host: CommandHost): void => {
  program
    .command('blkback')
    .description('serve block devices to guests, as a configuration file says')
    .requiredOption('-c, --config <file>', 'the configuration')
    .option('--json', 'log lines of JSON in place of text', false)
    .addHelpText('after', HELP)
    .action(async (options: BlkbackOptions) => host.finish(await blkback(options, host)))
}

const blkback = async ({ config: file, json }: BlkbackOptions, host: CommandHost): Promise<ExitCode> => {
  const config = await readBlkbackConfig(file)
  await using platform = await host.openPlatform()
  await using processLog = new ProcessLog({ level: config.logLevel, json, clock: platform.clock })
  const { log } = processLog
  const open = () => runBlkback(platform, config, { log })
  const reload = (daemon: BlkbackDaemon): void => void reconfigure(daemon, file, log).then(() => daemon.refreshSizes())
  return await serveUntilStopped({ open, clock: platform.clock, log, reload })
}

/** A configuration that makes no sense changes nothing. */
const reconfigure = async (daemon: BlkbackDaemon, file: string, log: Log): Promise<void> => {
  try {
    daemon.reconfigure(await readBlkbackConfig(file))
    log.info({ event: 'reload', file }, 'read the configuration again: it holds for disks that are opened from now on')
  } catch (error) {
    log.error({ event: 'reload', file }, `kept the configuration: ${error instanceof Error ? error.message : error}`)
  }
}
