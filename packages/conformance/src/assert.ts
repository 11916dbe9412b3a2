import { XenError, type XenErrorCode } from '@split-driver/abi'

/** A world did not do what the rule demands. */
export class ConformanceFailure extends Error {
  override readonly name = 'ConformanceFailure'
}

const show = (value: unknown): string => {
  if (value instanceof Uint8Array) return `${value.length} bytes [${value.subarray(0, 32).join(' ')}]`
  if (value instanceof Error) return `${value.name}: ${value.message}`
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new ConformanceFailure(message)
}

/** By `Object.is`. */
export const assertEqual = <T>(actual: T, expected: T, what: string): void => {
  if (!Object.is(actual, expected)) throw new ConformanceFailure(`${what}: ${show(actual)}, not ${show(expected)}`)
}

/** Lists of equal length whose elements are equal by `Object.is`; bytes count as a list. */
export const assertList = <T>(actual: ArrayLike<T>, expected: ArrayLike<T>, what: string): void => {
  assertEqual(actual.length, expected.length, `${what}: length`)
  for (let i = 0; i < expected.length; i++) {
    if (!Object.is(actual[i], expected[i])) assertEqual(actual[i], expected[i], `${what}: element ${i}`)
  }
}

const judge = (error: unknown, codes: readonly XenErrorCode[], what: string): XenError => {
  if (XenError.is(error, ...codes)) return error
  throw new ConformanceFailure(`${what}: ${show(error)}, not ${codes.join(' or ')}`, { cause: error })
}

/** `action` throws a XenError with one of `codes`. */
export const assertThrows = (action: () => unknown, codes: readonly XenErrorCode[], what: string): XenError => {
  let returned: unknown
  try {
    returned = action()
  } catch (error) {
    return judge(error, codes, what)
  }
  throw new ConformanceFailure(`${what}: returned ${show(returned)} where ${codes.join(' or ')} is due`)
}

/** `promise` is rejected with one of `codes`. */
export const assertRejects = async (
  promise: Promise<unknown>,
  codes: readonly XenErrorCode[],
  what: string,
): Promise<XenError> => {
  let resolved: unknown
  try {
    resolved = await promise
  } catch (error) {
    return judge(error, codes, what)
  }
  throw new ConformanceFailure(`${what}: resolved to ${show(resolved)} where ${codes.join(' or ')} is due`)
}
