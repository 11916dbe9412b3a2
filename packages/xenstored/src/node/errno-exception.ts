import { getSystemErrorName } from 'node:util'

/** What Node's own calls throw: an Error with the name of the errno as its `code`. */
export const errnoException = (call: string, errno: number): NodeJS.ErrnoException => {
  const code = getSystemErrorName(-errno)
  return Object.assign(new Error(`${call}: ${code}`), { code, errno, syscall: call })
}
