import { XenError, type XenErrorCode } from '@split-driver/abi'

const REASONS: Readonly<Partial<Record<XenErrorCode, string>>> = {
  ENOENT: 'there is no such node',
  EACCES: 'this domain has no right to',
  EPERM: 'this domain has no right to',
  EINVAL: 'XenStore takes no such path or value',
  EEXIST: 'that is done already',
  E2BIG: 'that is more than a message or a node can hold',
  ENOSPC: 'that is beyond a quota',
}

/** What the server refused, in words. Any other error stays as it is. */
export const inWords = (error: unknown): unknown => {
  if (!XenError.is(error) || error.detail['path'] === undefined) return error
  const reason = REASONS[error.code]
  if (reason === undefined) return error
  const { code, message, detail } = error
  return new XenError(code, `${message.replace(`${code}: `, '')}: ${reason}`, { cause: error, detail })
}
