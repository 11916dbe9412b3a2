import { constants } from 'node:os'

/** Several numbers have two names; these are not the ones the kernel's documentation uses. */
const seconds = new Set(['EWOULDBLOCK', 'ENOTSUP'])

const names = new Map<number, string>()
for (const [name, number] of Object.entries(constants.errno)) if (!seconds.has(name)) names.set(number, name)

/** The kernel's name of an error number; `errno 524` for one that has none outside of the kernel. */
export const errnoName = (errno: number): string => names.get(errno) ?? `errno ${errno}`
