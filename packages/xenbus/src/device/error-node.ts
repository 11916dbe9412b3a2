import { XenError } from '@split-driver/abi'
import { KEY } from '../keys/keys.js'
import { domainPath, isWithin, joinPath } from '../wire/path.js'
import type { DeviceHost } from './device-host.js'

const EINVAL = 22

/** Linux's errno numbers, which Linux puts before the message; any other failure is EINVAL there. */
const ERRNO: Readonly<Record<string, number>> = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EIO: 5,
  E2BIG: 7,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL,
  ENOSPC: 28,
  EPROTO: 71,
}

/** Bytes of a message that are written; a value may have 4096, and a peer may have chosen some of them. */
const SHOWN = 256

/** Where a failed device says why: `error/device/vbd/51712/error`. @see linux drivers/xen/xenbus xenbus_dev_error */
export const errorNode = (host: Pick<DeviceHost, 'domid'>, device: string): string => {
  const home = domainPath(host.domid)
  const relative = isWithin(device, home) ? device.slice(home.length + 1) : device
  return joinPath('error', relative, KEY.error)
}

/** Writes a device's error node: errno number, then the message. Without the right, or a XenStore, it stays unsaid. */
export const writeErrorNode = async (host: DeviceHost, device: string, error: Error): Promise<void> => {
  const number = (XenError.is(error) ? ERRNO[error.code] : undefined) ?? EINVAL
  const message = error.message.replace(/[^\x20-\x7e]/g, '?').slice(0, SHOWN)
  try {
    await host.xenstore.write(errorNode(host, device), `${number} ${message}`)
  } catch (failure) {
    if (!XenError.is(failure, 'EACCES', 'ENOSPC', 'EPERM', 'CLOSED')) throw failure
  }
}
