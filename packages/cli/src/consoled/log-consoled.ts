import { XenError } from '@split-driver/abi'
import { logStore } from '../daemon/log-store.js'
import { errorCode } from '../logging/error-code.js'
import type { Log } from '../logging/log.js'
import type { ConsoledDaemon } from './consoled-daemon.js'

/** Says what happens to each console, one line each. */
export const logConsoled = (daemon: ConsoledDaemon, log: Log): void => {
  logStore(daemon, log)
  daemon.on('connect', (domid) => log.info({ event: 'connect', domid }, "the guest's console is served"))
  daemon.on('disconnect', (domid) => log.info({ event: 'disconnect', domid }, 'the console has ended'))
  daemon.on('dropped', (domid, bytes) =>
    log.warn({ event: 'dropped', domid, bytes }, 'the log file is slower than the guest: bytes are missing in it'),
  )
  daemon.on('console-error', (domid, error) =>
    log.warn({ event: 'console-error', domid, ...errorCode(error) }, `${error.message}${advice(error)}`),
  )
  daemon.on('store-error', (error) => log.error({ event: 'store-error', ...errorCode(error) }, error.message))
}

/** A console's port can be bound once. */
const advice = (error: Error): string =>
  XenError.is(error, 'EINVAL') ? ' (does xenconsoled still run? Then stop it: a console has one daemon)' : ''
