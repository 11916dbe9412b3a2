import { type GrantStatusCode, XenError } from '@split-driver/abi'

/** What a grant operation answers, as a number; all errors are negative. @see grant_table.h GNTST_* */
export const GrantStatus = {
  GNTST_okay: 0,
  GNTST_general_error: -1,
  GNTST_bad_domain: -2,
  GNTST_bad_gntref: -3,
  GNTST_bad_handle: -4,
  GNTST_bad_virt_addr: -5,
  GNTST_bad_dev_addr: -6,
  GNTST_no_device_space: -7,
  GNTST_permission_denied: -8,
  GNTST_bad_page: -9,
  GNTST_bad_copy_arg: -10,
  GNTST_address_too_big: -11,
  GNTST_eagain: -12,
  GNTST_no_space: -13,
} as const satisfies Record<GrantStatusCode | 'GNTST_okay', number>

export type GrantStatus = (typeof GrantStatus)[keyof typeof GrantStatus]

const codes = new Map<number, GrantStatusCode>()
for (const [code, status] of Object.entries(GrantStatus)) if (status < 0) codes.set(status, code as GrantStatusCode)

/** The name of a failure. A negative number that the header does not know is a general error; `undefined` is success. */
export const grantStatusCode = (status: number): GrantStatusCode | undefined =>
  status >= 0 ? undefined : (codes.get(status) ?? 'GNTST_general_error')

/** The error that a failed operation throws. `status` must be negative. */
export const grantError = (status: number, message: string, detail: Readonly<Record<string, unknown>> = {}): XenError =>
  new XenError(grantStatusCode(status) ?? 'GNTST_general_error', message, { detail: { ...detail, status } })
