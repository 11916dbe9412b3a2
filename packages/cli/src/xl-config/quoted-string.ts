/** Escapes that stand for one byte each. */
const NAMED: Readonly<Record<string, number>> = {
  a: 0x07,
  b: 0x08,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
  v: 0x0b,
  '\\': 0x5c,
  "'": 0x27,
  '"': 0x22,
}

const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))/gu

/** Why a string cannot be: where within it, and what is wrong. */
export class EscapeProblem extends Error {
  readonly offset: number

  constructor(offset: number, problem: string) {
    super(problem)
    this.offset = offset
  }
}

/**
 * What stands between the quotes of a string, without escapes. `\x…` and octal escapes are bytes of UTF-8, not characters.
 * @throws EscapeProblem for an escape that there is not
 */
export const unescaped = (inner: string): string => {
  if (!inner.includes('\\')) return inner
  const parts: Uint8Array[] = []
  let end = 0
  for (const { index, 0: sequence, 1: hex, 2: octal, 3: letter = '' } of inner.matchAll(ESCAPE)) {
    const byte = byteOf(hex, octal, letter)
    if (byte === undefined)
      throw new EscapeProblem(index, `there is no escape ${JSON.stringify(sequence).slice(1, -1)}`)
    if (byte === 0 || byte > 0xff) throw new EscapeProblem(index, `${sequence} is no byte from 1 to 255`)
    parts.push(Buffer.from(inner.slice(end, index)), Uint8Array.of(byte))
    end = index + sequence.length
  }
  parts.push(Buffer.from(inner.slice(end)))
  return Buffer.concat(parts).toString('utf8')
}

const byteOf = (hex: string | undefined, octal: string | undefined, letter: string): number | undefined => {
  if (hex !== undefined) return Number.parseInt(hex, 16)
  return octal === undefined ? NAMED[letter] : Number.parseInt(octal, 8)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const SPECIAL = /["\\\u0001-\u001f\u007f]/g

/** `text` in double quotes. @throws RangeError for U+0000, which no string of a configuration can hold */
export const quoted = (text: string): string => {
  if (text.includes('\0')) throw new RangeError('a string of a configuration cannot hold U+0000')
  const escaped = text.replace(SPECIAL, (found) =>
    found === '"' || found === '\\' ? `\\${found}` : `\\x${found.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
  return `"${escaped}"`
}
