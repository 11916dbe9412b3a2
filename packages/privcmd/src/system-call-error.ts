/** The kernel refused a system call. */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError'
  /** Such as `open`, `ioctl`, `mmap`. */
  readonly call: string
  /** The kernel's name for the reason, such as `ENOENT`; `errno 4095` for a number that has none. */
  readonly errno: string

  /** @param subject what the call was about: a path, or the request's number */
  constructor(call: string, errno: string, subject = '') {
    super(`${call}${subject === '' ? '' : ` ${subject}`}: ${errno}`)
    this.call = call
    this.errno = errno
  }

  /** Is `error` a refusal (from any copy of this module) for one of these reasons? Any will do if none is named. */
  static is(error: unknown, ...errnos: readonly string[]): error is SystemCallError {
    if (!(error instanceof Error) || error.name !== 'SystemCallError' || !('errno' in error)) return false
    return errnos.length === 0 || errnos.includes(error.errno as string)
  }
}
