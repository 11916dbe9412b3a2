const NAMED: Readonly<Record<number, string>> = { 9: '\\t', 10: '\\n', 13: '\\r', 92: '\\\\' }

/** Below this, the number is written in octal. */
const OCTAL_BELOW = 8

/** A node's value as one line of text, as xenstore-read and xenstore-ls show it: what is not printable ASCII is escaped. */
export const valueText = (value: Uint8Array): string => {
  let text = ''
  for (const byte of value) {
    if (byte >= 0x20 && byte < 0x7f && byte !== 0x5c) text += String.fromCharCode(byte)
    else text += NAMED[byte] ?? numbered(byte)
  }
  return text
}

const numbered = (byte: number): string =>
  byte < OCTAL_BELOW ? `\\${byte.toString(8).padStart(3, '0')}` : `\\x${byte.toString(16).padStart(2, '0')}`
