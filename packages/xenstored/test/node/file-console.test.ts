import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FileConsole } from '../../src/node/file-console.js'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'console-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('a console of files', () => {
  test('appends, to files that are the owner’s alone; relative names begin at its folder', () => {
    const console = new FileConsole(folder, () => {})
    for (const text of ['one', 'two']) {
      const log = console.openLog('log')
      log.write(text)
      log.close()
    }
    expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('one\ntwo\n')
    expect(statSync(join(folder, 'log')).mode & 0o777).toBe(0o600)
    console.openLog(join(folder, 'absolute')).close()
    expect(statSync(join(folder, 'absolute')).size).toBe(0)
  })

  test('says what the system said', () => {
    const console = new FileConsole(folder, () => {})
    expect(() => console.openLog('none/log')).toThrow(expect.objectContaining({ code: 'ENOENT' }))
    expect(() => console.openLog('.')).toThrow(expect.objectContaining({ code: 'EISDIR' }))
  })

  test('prints where it is told to, and knows the time', () => {
    const printed: string[] = []
    const console = new FileConsole(folder, (text) => printed.push(text))
    console.print('said')
    expect(printed).toEqual(['said'])
    expect(console.timestamp()).toMatch(/^20\d{6} \d\d:\d\d:\d\d$/)
  })
})
