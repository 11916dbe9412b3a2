const BACKSLASH = 0x5c

const NAMED: ReadonlyMap<string, number> = new Map([
  ['t', 9],
  ['n', 10],
  ['r', 13],
  ['\\', BACKSLASH],
])

const OCTAL = /^[0-7]{1,3}/

/** Up to two characters, of which the first may be a sign, after any white space; or `0x` alone, which is 0. */
const HEXADECIMAL = /^[ \t\n\v\f\r]*(?:([+-])([\da-f])|0x|([\da-f]{1,2}))/i

/**
 * A value as it is typed for xenstore-write: `\t`, `\n`, `\r`, `\\`, `\xNN` and `\NNN` stand for one byte each. A backslash
 * before anything else is dropped; one at the end stands for a NUL. The oddities are the original's: a script's value must
 * come out as the same bytes.
 */
export const valueBytes = (text: string): Uint8Array => {
  const source = Buffer.from(text)
  const bytes: number[] = []
  for (let at = 0; at < source.length; ) {
    if (source[at] !== BACKSLASH) bytes.push(source[at++]!)
    else {
      const { byte, length } = escaped(source.subarray(at + 1))
      bytes.push(byte)
      at += 1 + length
    }
  }
  return Uint8Array.from(bytes)
}

interface Escape {
  readonly byte: number
  /** Bytes of the text behind the backslash that stand for it. */
  readonly length: number
}

const escaped = (behind: Buffer): Escape => {
  const [first] = behind
  if (first === undefined) return { byte: 0, length: 0 }
  const letter = String.fromCharCode(first)
  if (letter === 'x') return hexadecimal(behind)
  const [octal] = OCTAL.exec(behind.toString('latin1', 0, 3)) ?? []
  if (octal !== undefined) return { byte: Number.parseInt(octal, 8) & 0xff, length: octal.length }
  return { byte: NAMED.get(letter) ?? first, length: 1 }
}

/** Without a number behind it, the x stands for itself. */
const hexadecimal = (behind: Buffer): Escape => {
  const [all = '', sign, signed, plain] = HEXADECIMAL.exec(behind.toString('latin1', 1)) ?? []
  if (all === '') return { byte: behind[0]!, length: 1 }
  const number = Number.parseInt(signed ?? plain ?? '0', 16)
  return { byte: (sign === '-' ? -number : number) & 0xff, length: 1 + all.length }
}
