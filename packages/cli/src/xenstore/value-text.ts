const NAMED: Readonly<Record<number, string>> = { 9: '\\t', 10: '\\n', 13: '\\r', 92: '\\\\' }

/** A node's value as one line of text, as xenstore-read and xenstore-ls show it: what is not printable ASCII is escaped. */
export const valueText = (value: Uint8Array): string => {
  let text = ''
  for (const byte of value) {
    if (byte >= 0x20 && byte < 0x7f && byte !== 0x5c) text += String.fromCharCode(byte)
    else text += NAMED[byte] ?? `\\x${byte.toString(16).padStart(2, '0')}`
  }
  return text
}
