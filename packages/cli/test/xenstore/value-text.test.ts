import { expect, test } from 'vitest'
import { valueBytes } from '../../src/xenstore/value-bytes.js'
import { valueText } from '../../src/xenstore/value-text.js'

test.each([
  ['plain', 'plain'],
  ['a\tb\nc\rd\\', 'a\\tb\\nc\\rd\\\\'],
  ['\u001b[2J', '\\x1b[2J'],
  ['é', '\\xc3\\xa9'],
  ['\0\x07\x08\x7f', '\\000\\007\\x08\\x7f'],
])('a value never writes more than its line, nor commands to a terminal: %j is %s, and back', (value, text) => {
  const bytes = new TextEncoder().encode(value)
  expect(valueText(bytes)).toBe(text)
  expect(valueBytes(text)).toEqual(bytes)
})

test.each([
  ['\\q\\8', 'q8'],
  ['\\xg', 'xg'],
  ['\\x 4', '\x04'],
  ['\\x0x5', '\x005'],
  ['\\1234', 'S4'],
  ['end\\', 'end\0'],
])('what is no escape is taken as xenstore-write takes it: %s', (text, value) => {
  expect(valueBytes(text)).toEqual(new TextEncoder().encode(value))
})
