import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ConfigValue } from '../../src/xl-config/config-syntax.js'
import { parseConfig } from '../../src/xl-config/parse-config.js'
import { type PlainValue, printConfig } from '../../src/xl-config/print-config.js'

const plain = (value: ConfigValue): PlainValue => {
  if (value.kind === 'list') return value.items.map(plain)
  return value.kind === 'number' ? Number(value.text) : value.text
}

const read = (text: string): [string, string, PlainValue][] =>
  parseConfig('x.cfg', text).map(({ key, operator, value }) => [key, operator, plain(value)])

describe('what can be written', () => {
  test.each<[string, string, [string, string, PlainValue][]]>([
    ['nothing', '', []],
    ['comments and blank lines', '# one\n\n   # two\n', []],
    ['a comment without a line end', 'a=1 # last', [['a', '=', 1]]],
    ['the last line without an end', 'a=1', [['a', '=', 1]]],
    [
      'semicolons',
      "name='h0'; vcpus=2;",
      [
        ['name', '=', 'h0'],
        ['vcpus', '=', 2],
      ],
    ],
    [
      'both kinds of quotes',
      `a='"'\nb="'"\n`,
      [
        ['a', '=', '"'],
        ['b', '=', "'"],
      ],
    ],
    [
      'lines that end in CR LF',
      'a=1\r\nb=2\r\n',
      [
        ['a', '=', 1],
        ['b', '=', 2],
      ],
    ],
    ['addition', "extra+='quiet'", [['extra', '+=', 'quiet']]],
    ['an empty list', 'disk = [ ]', [['disk', '=', []]]],
    [
      'a list over lines, with comments and a comma at its end',
      "d = [\n 'a', # one\n\n 'b',\n]\n",
      [['d', '=', ['a', 'b']]],
    ],
    ['lists in lists', 'v = [ ["p=0","s=512"], 3 ]', [['v', '=', [['p=0', 's=512'], 3]]]],
    ['a hash within a string', "a='#1'", [['a', '=', '#1']]],
    ['escapes', String.raw`a="\\ \' \" \n \t \x41 \101 \xc3\xa9"`, [['a', '=', '\\ \' " \n \t A A é']]],
  ])('%s', (_, text, expected) => {
    expect(read(text)).toEqual(expected)
  })

  test('numbers keep their form for whoever asks', () => {
    const [one] = parseConfig('x.cfg', 'a=0x1f')
    expect(one?.value).toMatchObject({ kind: 'number', text: '0x1f', at: { source: 'x.cfg', line: 1, column: 3 } })
  })
})

test.each([
  ["name 'x'\n", /^x\.cfg:1:6: found "x"; expected "="$/],
  ['a=\n', /^x\.cfg:1:3: found the end of the line; expected a string in quotes, a number or a list$/],
  ['a=1 b=2', /^x\.cfg:1:5: found "b"; expected the end of the line, or ";"$/],
  ["\n\n  a = 'open\nb=1", /^x\.cfg:3:7: this string does not end on its line; expected '$/],
  ["disk = [ 'a' 'b' ]", /^x\.cfg:1:14: found "b"; expected "," or "\]"$/],
  ["disk = [ 'a',\n", /^x\.cfg:2:1: found the end of the file; expected a string/],
  ['a = [', /^x\.cfg:1:6: found the end of the file; expected/],
  ['= 3', /^x\.cfg:1:1: found "="; expected a key/],
  ['Name = 3', /^x\.cfg:1:1: found "Name"; keys are in lower case, and strings in quotes$/],
  ['name = Guest', /^x\.cfg:1:8: found "Guest"; keys are in lower case/],
  ['name = guest', /^x\.cfg:1:8: found "guest"; expected a string in quotes/],
  ['def f(x):', /^x\.cfg:1:5: found "f"; expected "="/],
  ['a = (1)', /^x\.cfg:1:5: found "\(1\)", which means nothing here: this is no Python/],
  [String.raw`a = "b\q"`, /^x\.cfg:1:7: there is no escape \\\\?q$/],
  [String.raw`a = "\x00"`, /^x\.cfg:1:6: \\x00 is no byte from 1 to 255$/],
  [`a = ${'['.repeat(100)}`, /^x\.cfg:1:69: lists are nested more than 64 deep$/],
])('%j is refused with line and column', (text, message) => {
  expect(() => parseConfig('x.cfg', text)).toThrow(message)
})

const anyText = fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.replaceAll('\0', ''))
const { value: anyValue } = fc.letrec<{ value: PlainValue }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, anyText, fc.maxSafeNat(), fc.array(tie('value'), { maxLength: 4 })),
}))
const anyKey = fc.stringMatching(/^[a-z][_0-9a-z]{0,12}$/)

test('what is printed reads back as it was', () => {
  fc.assert(
    fc.property(fc.dictionary(anyKey, anyValue, { noNullPrototype: true }), (values) => {
      expect(read(printConfig(values))).toEqual(Object.entries(values).map(([key, value]) => [key, '=', value]))
    }),
  )
})

test('any text is read or refused with a place in it, and nothing else happens', () => {
  const pieces = fc.constantFrom(
    'a',
    '=',
    '+=',
    '[',
    ']',
    ',',
    ';',
    '\n',
    "'x'",
    '"',
    "'",
    '\\',
    '7',
    '0x',
    '#',
    ' ',
    'é',
    'Z',
    '(',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const text = parts.join('')
      try {
        parseConfig('x.cfg', text)
      } catch (error) {
        expect(error).toMatchObject({ name: 'ConfigError' })
        const [, line, column] = /^x\.cfg:(\d+):(\d+): /.exec((error as Error).message)!
        expect(text.split('\n')[Number(line) - 1]!.length).toBeGreaterThanOrEqual(Number(column) - 1)
      }
    }),
  )
})

test.each<[string, Record<string, PlainValue>]>([
  ['U+0000', { a: '\0' }],
  ['a key with a capital', { A: 1 }],
  ['a negative number', { a: -1 }],
  ['a fraction', { a: 0.5 }],
])('%s cannot be printed', (_, values) => {
  expect(() => printConfig(values)).toThrow(RangeError)
})
