import type TypedEmitter from 'typed-emitter'
import type { Log } from '../logging/log.js'

type StoreEvents = { 'store-away': () => void; 'store-back': () => void }

/** Says when a daemon has to do without XenStore, one line each time. */
export const logStore = (daemon: Pick<TypedEmitter<StoreEvents>, 'on'>, log: Log): void => {
  daemon.on('store-away', () =>
    log.warn({ event: 'store-away' }, 'xenstored has gone away: what is served goes on, what changes is seen later'),
  )
  daemon.on('store-back', () => log.info({ event: 'store-back' }, 'xenstored is there again'))
}
