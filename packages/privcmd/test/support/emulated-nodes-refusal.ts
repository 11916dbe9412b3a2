import { XenError } from '@split-driver/abi'

/** A driver says no. `EmulatedNodes` makes of it what the caller sees. */
export class Refusal extends Error {
  constructor(
    readonly errno: string,
    why: string,
  ) {
    super(why)
  }
}

export const refused = (errno: string, why: string): Refusal => new Refusal(errno, why)

/** What the hypervisor answered is what the driver answers. Anything else is a defect, and passed on. */
export const kernelErrno = (error: unknown): Refusal => {
  if (error instanceof XenError) return refused(error.code, error.message)
  throw error
}
