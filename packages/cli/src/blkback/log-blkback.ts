import { logStore } from '../daemon/log-store.js'
import { errorCode } from '../logging/error-code.js'
import type { Log } from '../logging/log.js'
import type { BlkbackDaemon } from './blkback-daemon.js'

/** Says what happens to each device, one line each. */
export const logBlkback = (daemon: BlkbackDaemon, log: Log): void => {
  logStore(daemon, log)
  daemon.on('connect', (disk, { file, byteLength, readOnly }) =>
    log.info({ event: 'connect', ...disk, image: file, bytes: byteLength, readOnly }, 'the guest uses its disk'),
  )
  daemon.on('disconnect', (disk, { reads, writes, flushes, bytesRead, bytesWritten, errors }) => {
    const done = { reads, writes, flushes, bytesRead, bytesWritten, errors }
    log.info({ event: 'disconnect', ...disk, ...done }, 'the disk is not used any more')
  })
  daemon.on('resize', (disk, bytes) =>
    log.info({ event: 'resize', ...disk, bytes }, 'the disk has another size, and its guest knows'),
  )
  daemon.on('device-error', (disk, error) =>
    log.warn({ event: 'device-error', ...disk, ...errorCode(error) }, error.message),
  )
  daemon.on('io-error', (disk, error) => log.error({ event: 'io-error', ...disk, ...errorCode(error) }, error.message))
  daemon.on('image-away', (disk, error) =>
    log.warn({ event: 'image-away', ...disk, ...errorCode(error) }, error.message),
  )
  daemon.on('image-back', (disk) => log.info({ event: 'image-back', ...disk }, 'the server of the image is back'))
  daemon.on('store-error', (path, error) =>
    log.error({ event: 'store-error', path, ...errorCode(error) }, error.message),
  )
}
