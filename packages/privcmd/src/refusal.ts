import { type ErrnoCode, XenError } from '@split-driver/abi'
import { SystemCallError } from './system-call-error.js'

const codes: Readonly<Record<string, ErrnoCode>> = {
  EINVAL: 'EINVAL',
  EACCES: 'EACCES',
  EEXIST: 'EEXIST',
  ENOENT: 'ENOENT',
  ENOMEM: 'ENOMEM',
  ENOSPC: 'ENOSPC',
  EIO: 'EIO',
  ENOSYS: 'ENOSYS',
  EBUSY: 'EBUSY',
  EAGAIN: 'EAGAIN',
  E2BIG: 'E2BIG',
  EPERM: 'EPERM',
  ESRCH: 'ESRCH',
  ENODEV: 'ENODEV',
  EOPNOTSUPP: 'EOPNOTSUPP',
  EPROTO: 'EPROTO',
  /** How evtchn says that a port is not of this descriptor. */
  ENOTCONN: 'EINVAL',
}

/**
 * The kernel's refusal in the words of the interfaces above; EIO stands for what they have no word for, and `cause` tells.
 * Anything but a `SystemCallError` is passed on as it is.
 */
export const refusal = (error: unknown, what: string, detail: Readonly<Record<string, unknown>> = {}): unknown => {
  if (!SystemCallError.is(error)) return error
  return new XenError(codes[error.errno] ?? 'EIO', `${what} (${error.message})`, { cause: error, detail })
}
