import { quoted } from './quoted-string.js'

/** A value without a place. Strings are quoted; what is a number in a file is a number here. */
export type PlainValue = string | number | readonly PlainValue[]

/**
 * Text in the format of xl.cfg(5), one key a line.
 * @throws RangeError for what the format cannot say: numbers that are no natural ones, U+0000, odd keys
 */
export const printConfig = (values: Readonly<Record<string, PlainValue>>): string =>
  Object.entries(values)
    .map(([key, value]) => `${checkedKey(key)} = ${printValue(value)}\n`)
    .join('')

const checkedKey = (key: string): string => {
  if (!/^[a-z][_0-9a-z]*$/.test(key)) throw new RangeError(`${JSON.stringify(key)} cannot be a key of a configuration`)
  return key
}

const printValue = (value: PlainValue): string => {
  if (typeof value === 'string') return quoted(value)
  if (typeof value !== 'number') return `[${value.map(printValue).join(', ')}]`
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no number of a configuration`)
  return String(value)
}
