import { XenError } from '@split-driver/abi'
import { DEFAULT_MAX_PAYLOAD_BYTES, ExportFlag } from './protocol.js'

/** What a server says of an export. */
export interface ExportInfo {
  readonly byteLength: number
  /** Bits of `ExportFlag`, and others. */
  readonly flags: number
  /** Positions and lengths of requests must be multiples of this power of two. */
  readonly minimumBytes: number
  /** Smaller requests cost the server more; a power of two. */
  readonly preferredBytes: number
  /** Most that one read or write may carry. */
  readonly maximumBytes: number
}

/** Sizes of an export whose server told none. */
export const DEFAULT_BLOCK_SIZES = {
  minimumBytes: 1,
  preferredBytes: 4096,
  maximumBytes: DEFAULT_MAX_PAYLOAD_BYTES,
} as const

const MAX_MINIMUM_BYTES = 2 ** 16

/** Beyond this a server may take a request for an attack. */
const PORTABLE_PAYLOAD_BYTES = 2 ** 25

/** @throws XenError EPROTO if the sizes break the protocol's rules for them */
export const blockSizes = (
  minimum: number,
  preferred: number,
  maximum: number,
): Omit<ExportInfo, 'byteLength' | 'flags'> => {
  const isGood =
    isPowerOfTwo(minimum) &&
    minimum <= MAX_MINIMUM_BYTES &&
    isPowerOfTwo(preferred) &&
    preferred >= Math.max(minimum, 512) &&
    maximum >= preferred
  if (!isGood) {
    const sizes = `${minimum} minimum, ${preferred} preferred, ${maximum} maximum`
    throw new XenError('EPROTO', `the NBD server's block sizes make no sense: ${sizes}`)
  }
  const largest = Math.min(maximum, PORTABLE_PAYLOAD_BYTES)
  return { minimumBytes: minimum, preferredBytes: preferred, maximumBytes: largest - (largest % minimum) }
}

const isPowerOfTwo = (value: number): boolean => value > 0 && 2 ** Math.round(Math.log2(value)) === value

export const isReadOnly = ({ flags }: ExportInfo): boolean => (flags & ExportFlag.ReadOnly) !== 0

const NEEDED = {
  flush: ExportFlag.Flush,
  FUA: ExportFlag.ForceUnitAccess,
  trim: ExportFlag.Trim,
  'write zeroes': ExportFlag.WriteZeroes,
}

/**
 * Judges whether a server that came back still offers the disk that is in use.
 * @throws XenError EIO naming what it lacks
 */
export const assertSuccessor = (now: ExportInfo, before: ExportInfo): void => {
  const refuse = (what: string) => new XenError('EIO', `the NBD export came back ${what}`)
  if (now.byteLength < before.byteLength) throw refuse(`with ${now.byteLength} bytes in place of ${before.byteLength}`)
  if (isReadOnly(now) && !isReadOnly(before)) throw refuse('read-only')
  for (const [name, flag] of Object.entries(NEEDED))
    if ((before.flags & flag) !== 0 && (now.flags & flag) === 0) throw refuse(`without ${name}`)
  if (now.minimumBytes > before.minimumBytes || now.maximumBytes < before.maximumBytes)
    throw refuse(`for requests of ${now.minimumBytes} to ${now.maximumBytes} bytes alone`)
}
