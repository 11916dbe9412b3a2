import type { Clock } from '@split-driver/platform'
import { ExitCode } from '../exit-code.js'
import { errorCode } from '../logging/error-code.js'
import type { Log } from '../logging/log.js'
import type { Daemon } from './daemon.js'

/** Milliseconds in which a daemon must have closed everything; then it exits as it is, and the kernel frees the rest. */
const STOP_LIMIT_MS = 10_000

export interface ServeOptions<D extends Daemon> {
  /** Opens the daemon. It may serve somebody before this is done: a signal that comes meanwhile stops it when it is there. */
  readonly open: () => Promise<D>
  readonly clock: Clock
  readonly log: Log
  /** What SIGHUP does once the daemon is there; it stops the daemon unless given. Must not throw. */
  readonly reload?: (daemon: D) => void
}

/**
 * Opens a daemon, says `ready` on standard output, and serves until SIGTERM or SIGINT, or until the daemon is lost. A second
 * signal ends the process at once.
 * @returns the process's exit code
 * @throws what `open` throws
 */
export const serveUntilStopped = async <D extends Daemon>(options: ServeOptions<D>): Promise<ExitCode> => {
  const { open, reload, log } = options
  let daemon: D | undefined
  const stopped = stopSignal(log, reload && (() => daemon && reload(daemon)))
  daemon = await open()
  // A supervisor that has closed its end of the pipe is no reason to stop.
  process.stdout.on('error', () => undefined)
  process.stdout.write('ready\n')
  log.info({ event: 'ready' }, 'ready')
  const reason = await Promise.race([stopped, daemon.lost])
  if (typeof reason === 'string') log.info({ event: 'stop', signal: reason }, 'stopping')
  else log.error({ event: 'lost', ...errorCode(reason) }, reason.message)
  const closed = await closeInTime(daemon, options)
  return typeof reason === 'string' && closed ? ExitCode.Okay : ExitCode.Failed
}

const stopSignal = (log: Log, reload: (() => void) | undefined): Promise<NodeJS.Signals> =>
  new Promise((resolve) => {
    let asked = false
    const stop = (signal: NodeJS.Signals): void => {
      if (asked) leaveNow(log, `${signal} while stopping: exiting at once`)
      asked = true
      resolve(signal)
    }
    process
      .on('SIGTERM', stop)
      .on('SIGINT', stop)
      .on('SIGHUP', reload ?? stop)
  })

const closeInTime = async (
  daemon: Daemon,
  { clock, log }: Pick<ServeOptions<Daemon>, 'clock' | 'log'>,
): Promise<boolean> => {
  const timer = clock.setTimer(STOP_LIMIT_MS, () =>
    leaveNow(log, `not everything could be closed within ${STOP_LIMIT_MS / 1000} seconds: exiting as it is`),
  )
  try {
    await daemon.close()
    log.info({ event: 'stopped' }, 'stopped')
    return true
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    log.error({ event: 'stop-error' }, `could not close in order: ${message}`)
    return false
  } finally {
    timer.cancel()
  }
}

const leaveNow = (log: Log, message: string): never => {
  log.error({ event: 'exit' }, message)
  process.exit(ExitCode.Failed)
}
