import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type CpioEntry, CpioWriter } from '../../../src/host/image/cpio-writer.js'

const folder = mkdtempSync(join(tmpdir(), 'cpio-'))

function archiveOf(entries: Record<string, CpioEntry>): Buffer {
  const path = join(folder, 'archive')
  using writer = new CpioWriter(path)
  for (const [name, entry] of Object.entries(entries)) writer.add(name, entry)
  writer.finish()
  return readFileSync(path)
}

const file = (content: string): CpioEntry => {
  const source = join(folder, 'source')
  writeFileSync(source, content)
  return { type: 'file', mode: 0o755, source, byteLength: content.length }
}

it('a member is its header in hexadecimal, its name with a zero, and its bytes, each from a multiple of four', () => {
  const archive = archiveOf({ init: file('hello') })
  const fields = ['00000001', '000081ED', '00000000', '00000000', '00000001', '00000000', '00000005']
  const rest = ['00000000', '00000000', '00000000', '00000000', '00000005', '00000000']
  const header = `070701${[...fields, ...rest].join('')}`
  expect(archive.toString('latin1', 0, 124)).toBe(`${header}init\0\0hello\0\0\0`)
})

it.each<[string, CpioEntry, string, string]>([
  ['a directory', { type: 'directory', mode: 0o755 }, '000041ED', ''],
  ['a text', { type: 'text', mode: 0o644, text: 'text' }, '000081A4', 'text'],
  ['a link', { type: 'link', target: 'usr/bin' }, '0000A1FF', 'usr/bin'],
])('%s has its type and mode', (_, entry, mode, content) => {
  const archive = archiveOf({ ab: entry }).toString('latin1')
  expect(archive.slice(14, 22)).toBe(mode)
  expect(archive.slice(54, 62)).toBe(content.length.toString(16).toUpperCase().padStart(8, '0'))
  expect(archive.slice(116, 116 + content.length)).toBe(content)
})

it('a device has its numbers', () => {
  const archive = archiveOf({ console: { type: 'character device', mode: 0o600, major: 5, minor: 1 } })
  expect(archive.toString('latin1', 14, 22)).toBe('00002180')
  expect(archive.toString('latin1', 78, 94)).toBe('0000000500000001')
})

it('ends with the trailer, and where another archive may begin', () => {
  const archive = archiveOf({ a: { type: 'directory', mode: 0o755 } })
  expect(archive.length % 4).toBe(0)
  expect(archive.toString('latin1').replace(/\0+$/, '').endsWith('TRAILER!!!')).toBe(true)
})

it('a file larger than the buffer arrives whole', () => {
  const content = 'abcdefghij'.repeat(300_000)
  expect(archiveOf({ large: file(content) }).includes(content)).toBe(true)
})

it('a file that became shorter is told, and gives no archive with a hole', () => {
  const entry = { ...file('short'), byteLength: 6 } as CpioEntry
  expect(() => archiveOf({ a: entry })).toThrow(/became shorter/)
})
