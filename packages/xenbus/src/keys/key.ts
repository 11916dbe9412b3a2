import { DOMID_FIRST_RESERVED, type Domid, domid, type GrantRef, grantRef, type Port, port } from '@split-driver/abi'
import { isNodePath } from '../wire/path.js'

/** How one XenStore key is read and written. A missing key takes `fallback` if there is one; junk is never a default. */
export interface Key<T> {
  /** What a sound value looks like, for the message to whoever wrote something else. */
  readonly expected: string
  /** @returns `undefined` if the text makes no sense */
  parse(text: string): T | undefined
  format(value: T): string
  /** Present iff the key may be missing. */
  readonly fallback?: { readonly value: T }
  /** Another key of the same set whose value it takes while it is missing. */
  readonly fallbackKey?: string
}

const withFallback = <T>(key: Key<T>, fallback: T | undefined): Key<T> =>
  fallback === undefined ? key : { ...key, fallback: { value: fallback } }

/** The same key, which may be missing: `undefined` then. */
export const optionalKey = <T>(key: Key<T>): Key<T | undefined> => ({
  expected: key.expected,
  parse: key.parse,
  format: (value) => (value === undefined ? '' : key.format(value)),
  fallback: { value: undefined },
})

/** The same key, which takes the value of another key of its set while it is missing: `physical-sector-size` (rule 24). */
export const defaultingTo = <T>(fallbackKey: string, key: Key<T>): Key<T> => ({ ...key, fallbackKey })

const DECIMAL = /^(0|[1-9][0-9]{0,15})$/

const parseWithin = (text: string, least: number, most: number): number | undefined => {
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN
  return value >= least && value <= most ? value : undefined
}

/** A decimal number from `least` to `most`, both safe integers; required unless `fallback` is given. */
export const numberKey = (least: number, most: number, fallback?: number): Key<number> =>
  withFallback(
    {
      expected: `a decimal number from ${least} to ${most}`,
      parse: (text) => parseWithin(text, least, most),
      format: String,
    },
    fallback,
  )

/** A decimal u32. */
export const u32Key = (fallback?: number): Key<number> => numberKey(0, 0xffff_ffff, fallback)

/** `0` or `1`. A feature that is not advertised is absent: `flag(false)` (rule 24). */
export const flag = (fallback?: boolean): Key<boolean> =>
  withFallback(
    {
      expected: '0 or 1',
      parse: (text) => (text === '1' ? true : text === '0' ? false : undefined),
      format: (value) => (value ? '1' : '0'),
    },
    fallback,
  )

/** One of a few words. */
export const enumKey = <const T extends string>(words: readonly T[], fallback?: NoInfer<T>): Key<T> =>
  withFallback<T>(
    { expected: `one of ${words.join(', ')}`, parse: (text) => words.find((word) => word === text), format: String },
    fallback,
  )

/** Any text. */
export const textKey = (fallback?: string): Key<string> =>
  withFallback({ expected: 'text', parse: (text) => text, format: String }, fallback)

/** The decimal number of a domain. */
export const domidKey = (): Key<Domid> => ({
  expected: `a domain's decimal number, below ${DOMID_FIRST_RESERVED}`,
  parse: (text) => {
    const value = parseWithin(text, 0, DOMID_FIRST_RESERVED - 1)
    return value === undefined ? undefined : domid(value)
  },
  format: String,
})

/** An absolute path of a node. */
export const pathKey = (): Key<string> => ({
  expected: 'the absolute path of a node',
  parse: (text) => (text.startsWith('/') && isNodePath(text) ? text : undefined),
  format: String,
})

/** A grant reference; 0 to 7 are reserved, yet a toolstack may hand them out (rule 59). */
export const grantRefKey = (): Key<GrantRef> => ({
  expected: 'a grant reference, a decimal u32',
  parse: (text) => {
    const value = parseWithin(text, 0, 0xffff_ffff)
    return value === undefined ? undefined : grantRef(value)
  },
  format: String,
})

/** An event channel's port: never 0 (rule 61), and at most what the FIFO ABI knows. */
export const portKey = (): Key<Port> => ({
  expected: 'a port, a decimal number from 1 to 131071',
  parse: (text) => {
    const value = parseWithin(text, 1, 131_071)
    return value === undefined ? undefined : port(value)
  },
  format: String,
})

/** Numbers of a block device of the backend's domain. */
export interface MajorMinor {
  readonly major: number
  readonly minor: number
}

const MAJOR_MINOR = /^([0-9a-fA-F]{1,8}):([0-9a-fA-F]{1,8})$/

/** `maj:min`, hexadecimal both: `physical-device` (rule 37). */
export const majorMinorKey = (): Key<MajorMinor> => ({
  expected: 'hexadecimal major:minor',
  parse: (text) => {
    const [, major, minor] = MAJOR_MINOR.exec(text) ?? []
    return major && minor ? { major: Number.parseInt(major, 16), minor: Number.parseInt(minor, 16) } : undefined
  },
  format: ({ major, minor }) => `${major.toString(16)}:${minor.toString(16)}`,
})
