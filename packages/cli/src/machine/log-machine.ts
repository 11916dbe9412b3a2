import type { Toolstack } from '@split-driver/emulator'
import { errorCode } from '../logging/error-code.js'
import type { Log } from '../logging/log.js'

/** Says what befalls each domain, one line each. */
export const logMachine = ({ events }: Toolstack, log: Log): void => {
  events.on('created', (domain) => log.info({ event: 'created', ...domain }, 'the domain is built'))
  events.on('started', (domain) => log.info({ event: 'started', ...domain }, 'its code is loaded'))
  events.on('shutdown', ({ domid, name, reason, error }) => {
    if (error === undefined) log.info({ event: 'shutdown', domid, name, reason }, 'the domain has stopped')
    else log.warn({ event: 'shutdown', domid, name, reason, ...errorCode(error) }, error.message)
  })
  events.on('restarted', (domain) => log.info({ event: 'restarted', ...domain }, 'the domain runs anew'))
  events.on('destroyed', (domain) => log.info({ event: 'destroyed', ...domain }, 'the domain is no more'))
  events.on('policyFailed', ({ domid, name, error }) =>
    log.error({ event: 'policy-failed', domid, name, ...errorCode(error) }, error.message),
  )
}
