/** Names that travel on the wire of XenStore, or that a hypercall answers with. @see xs_wire.h xsd_errors, errno.h */
export type ErrnoCode =
  | 'EINVAL'
  | 'EACCES'
  | 'EEXIST'
  | 'EISDIR'
  | 'ENOENT'
  | 'ENOMEM'
  | 'ENOSPC'
  | 'EIO'
  | 'ENOTEMPTY'
  | 'ENOSYS'
  | 'EROFS'
  | 'EBUSY'
  | 'EAGAIN'
  | 'EISCONN'
  | 'E2BIG'
  | 'EPERM'
  | 'ESRCH'
  | 'ENODEV'
  | 'EOPNOTSUPP'
  | 'EPROTO'
  | 'ERANGE'

/** @see grant_table.h GNTST_* */
export type GrantStatusCode =
  | 'GNTST_general_error'
  | 'GNTST_bad_domain'
  | 'GNTST_bad_gntref'
  | 'GNTST_bad_handle'
  | 'GNTST_bad_virt_addr'
  | 'GNTST_bad_dev_addr'
  | 'GNTST_no_device_space'
  | 'GNTST_permission_denied'
  | 'GNTST_bad_page'
  | 'GNTST_bad_copy_arg'
  | 'GNTST_address_too_big'
  | 'GNTST_eagain'
  | 'GNTST_no_space'

/** What this project finds wrong by itself. */
export type ProtocolCode =
  /** A producer index ran more than a ring ahead of its consumer (rule 7): the ring is broken for good. */
  | 'RING_PROD_OVERFLOW'
  /** A response names a request that is not outstanding, or answers another operation (rule 9). */
  | 'RING_BAD_RESPONSE'
  /** A byte ring's indices lie more than its size apart. */
  | 'BYTE_RING_BAD_INDICES'
  /** A peer's XenStore key is present and makes no sense (rule 37). */
  | 'BAD_KEY'
  /** Memory was touched after it was unmapped, unshared or freed. */
  | 'USE_AFTER_UNMAP'
  /** A write through memory that was mapped read-only. */
  | 'READ_ONLY_MAPPING'
  /** The thing was closed, by us or by its peer, before it could answer. */
  | 'CLOSED'
  /** The operation was given up by its caller. */
  | 'ABORTED'

export type XenErrorCode = ErrnoCode | GrantStatusCode | ProtocolCode

export interface XenErrorOptions extends ErrorOptions {
  /** What the error is about, for programs: paths, ports, refs, indices. */
  readonly detail?: Readonly<Record<string, unknown>>
}

/** What went wrong out there. A caller's own mistake is a `TypeError` or `RangeError` instead. */
export class XenError extends Error {
  override readonly name = 'XenError'
  readonly code: XenErrorCode
  readonly detail: Readonly<Record<string, unknown>>

  constructor(code: XenErrorCode, message: string, options: XenErrorOptions = {}) {
    super(`${code}: ${message}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.detail = options.detail ?? {}
  }

  /** Is `error` a XenError (from any copy of this module) with one of these codes? Any code will do if none is named. */
  static is(error: unknown, ...codes: readonly XenErrorCode[]): error is XenError {
    if (!(error instanceof Error) || error.name !== 'XenError' || !('code' in error)) return false
    return codes.length === 0 || codes.includes(error.code as XenErrorCode)
  }
}
