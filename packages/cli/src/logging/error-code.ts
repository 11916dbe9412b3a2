import type { LogFields } from './log.js'

/** The code of a XenError, or of what the system refused. */
export const errorCode = (error: Error): LogFields =>
  'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
