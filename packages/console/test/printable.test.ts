import { PrintableText, printable } from '@split-driver/console'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const encode = (text: string) => new TextEncoder().encode(text)

describe('C2: a log is made safe for a terminal', () => {
  test.each([
    ['plain text', 'Mounted root (ext4)', 'Mounted root (ext4)'],
    ['TAB stays', 'a\tb', 'a\tb'],
    ['each kind of line end is one LF', 'a\r\nb\nc\rd', 'a\nb\nc\nd'],
    ['colours', '\x1b[1;31mred\x1b[0m', 'red'],
    ['clear screen', 'a\x1b[2J\x1b[Hb', 'ab'],
    ['window title, ended by BEL', '\x1b]0;owned\x07ok', 'ok'],
    ['window title, ended by ST', '\x1b]0;owned\x1b\\ok', 'ok'],
    ['device control string', '\x1bP1$r0m\x1b\\ok', 'ok'],
    ['8-bit CSI and OSC', '\u009b31mred\u009d0;t\u009cok', 'redok'],
    ['character set, with an intermediate', '\x1b(Bok', 'ok'],
    ['a sequence inside a sequence', '\x1b[3\x1b[31mok', 'ok'],
    ['a sequence that CAN gives up', '\x1b[31\x18ok', 'ok'],
    ['controls and DEL', 'a\0\b\x07\x0b\x0e\x7f\u0085b', 'ab'],
    ['marks that reorder text', 'rm \u202efile\u2066', 'rm file'],
    ['beyond ASCII', 'größer 漢字 🎉', 'größer 漢字 🎉'],
    ['a string that never ends, up to the line’s end', '\x1b]0;hidden\nshown', '\nshown'],
  ])('%s', (_, raw, shown) => {
    expect(printable(encode(raw))).toBe(shown)
  })

  test('a sequence without end hides no more than 256 characters', () => {
    const shown = printable(encode(`\x1b]${'x'.repeat(5000)}`))
    expect(shown.length).toBeGreaterThan(5000 - 260)
  })

  test('bytes that are no UTF-8 are shown as such', () => {
    expect(printable(Uint8Array.of(0x61, 0xff, 0x9b, 0x62))).toBe('a\ufffd\ufffdb')
  })

  test('whatever comes, nothing but text, TAB and LF goes out, and the cut does not matter', () => {
    const hostile = fc.array(
      fc.oneof(
        fc.constantFrom(0x1b, 0x5b, 0x5d, 0x07, 0x9b, 0xc2, 0x0d, 0x0a, 0x3b, 0x41, 0x5c, 0x18),
        fc.integer({ min: 0, max: 255 }),
      ),
      { maxLength: 400 },
    )
    fc.assert(
      fc.property(hostile, fc.array(fc.nat({ max: 60 }), { maxLength: 20 }), (bytes, cuts) => {
        const raw = Uint8Array.from(bytes)
        const text = new PrintableText()
        let shown = ''
        let from = 0
        for (const cut of cuts) {
          shown += text.push(raw.subarray(from, from + cut))
          from += cut
        }
        shown += text.push(raw.subarray(from)) + text.end()
        expect(shown).toBe(printable(raw))
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
        expect(shown).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/)
      }),
      { numRuns: 500 },
    )
  })
})
