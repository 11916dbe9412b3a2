import { expect, it } from 'vitest'
import { encodeLine, LineReader, maxLineLength, type Report } from '../src/protocol.js'

function reading() {
  const messages: Report[] = []
  const noise: string[] = []
  const reader = new LineReader<Report>(
    (message) => messages.push(message),
    (line) => noise.push(line),
  )
  return { messages, noise, push: (text: string | Uint8Array) => reader.push(Buffer.from(text)) }
}

it('messages arrive whole however the bytes are cut, also in the middle of a character', () => {
  const { messages, push } = reading()
  const sent: Report[] = [
    { tell: 'say', line: 'zwölf, “twelve”' },
    { tell: 'command ends', code: 0 },
  ]
  const bytes = Buffer.from(sent.map(encodeLine).join(''))
  for (const byte of bytes) push(Uint8Array.of(byte))
  expect(messages).toEqual(sent)
})

it('a line break in a message does not end it', () => {
  const { messages, push } = reading()
  push(encodeLine({ tell: 'output', text: 'a\nb\n' }))
  expect(messages).toEqual([{ tell: 'output', text: 'a\nb\n' }])
})

it.each(['[    1.2] a kernel message', '{"ask', '42', 'null', '{"other": 1}'])('%s is noise', (line) => {
  const { messages, noise, push } = reading()
  push(`${line}\n${encodeLine({ tell: 'command ends', code: 3 })}`)
  expect(noise).toEqual([line])
  expect(messages).toEqual([{ tell: 'command ends', code: 3 }])
})

it('a line without an end does not fill the memory', () => {
  const { noise, push } = reading()
  for (let count = 0; count < 5; count++) push('x'.repeat(maxLineLength))
  push('\n')
  expect(noise.map(({ length }) => length)).toEqual([maxLineLength])
})
