import { XenError } from '@split-driver/abi'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { control } from '../../src/xenstore/control.js'
import { liveUpdate } from '../../src/xenstore/live-update.js'
import { StoreAtSocket } from '../support/store-at-socket.js'
import { ourTool } from '../support/store-tools.js'

describe('split-driver xenstore control', () => {
  let complaints = ''
  beforeEach(() => {
    complaints = ''
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      complaints += text
      return true
    })
  })
  afterEach(() => vi.restoreAllMocks())

  test('passes the words on, and prints what the daemon answers', async () => {
    await using store = await StoreAtSocket.open()
    const run = (...args: string[]) => ourTool(store.path, ['control', ...args])
    expect(await run('check')).toEqual({ code: 0, stdout: 'OK\n' })
    expect(await run('quota', 'set', 'nodes', '77')).toEqual({ code: 0, stdout: 'OK\n' })
    expect((await run('quota')).stdout).toMatch(/^nodes +: +77/m)
    expect(await run('log', '-io')).toEqual({ code: 0, stdout: 'OK\n' })
    expect((await run('log')).stdout).toMatch(/^io +: off$/m)
  })

  test.each([
    [['horses'], 3],
    [['print'], 3],
    [['live-update'], 2],
    [['live-update', '-c'], 2],
    [['live-update', '/bin/true', '-t', 'soon'], 2],
    [[], 2],
  ])('%j is not done: exit code %i', async (args, code) => {
    await using store = await StoreAtSocket.open()
    expect(await ourTool(store.path, ['control', ...args])).toEqual({ code, stdout: '' })
  })

  test('from where there is no XenStore: exit code 1', async () => {
    expect(await ourTool('/none', ['control', 'help'])).toEqual({ code: 1, stdout: '' })
    expect(complaints).toMatch(/^split-driver: ENOENT: no XenStore at \/none: nobody answers there/)
  })
})

/** A daemon that answers `live-update` in turn so, and a list of what it was asked. */
const fakeDaemon = (...answers: (string | XenError)[]) => {
  const asked: string[] = []
  const complaints: string[] = []
  const store = {
    tryRead: async () => undefined,
    control: async (command: string, words: readonly string[] = []) => {
      asked.push([command, ...words].join(' '))
      const answer = answers.shift() ?? 'OK'
      if (typeof answer === 'string') return answer
      throw answer
    },
  }
  const output = {
    columns: undefined,
    print: async () => undefined,
    complain: (line: string) => void complaints.push(line),
  }
  const pause = async () => void asked.push('(a second)')
  return { asked, complaints, tool: { store, output, pause } }
}

describe('live-update', () => {
  test('names the program and its command line, then starts, again each second while the daemon is busy', async () => {
    const { asked, tool } = fakeDaemon('OK', 'OK', 'BUSY', 'OK')
    expect(await liveUpdate(tool, ['-c', '--log x', '-t', '5', '-F', '/new'])).toBe(0)
    const start = 'live-update -s -t 5 -F'
    expect(asked).toEqual(['live-update -f /new', 'live-update -c --log x', start, '(a second)', start])
  })

  test('gives up, and says so to the daemon, when the time is over', async () => {
    const { asked, complaints, tool } = fakeDaemon('OK', 'BUSY', 'BUSY')
    expect(await liveUpdate(tool, ['-t', '2', '/new'])).toBe(3)
    const start = 'live-update -s -t 2'
    expect(asked).toEqual(['live-update -f /new', start, '(a second)', start, '(a second)', 'live-update -a'])
    expect(complaints).toEqual(['live-update: BUSY'])
  })

  test('a program that the daemon does not take is not started', async () => {
    const { asked, complaints, tool } = fakeDaemon('File not accessible')
    expect(await liveUpdate(tool, ['/none'])).toBe(3)
    expect(asked).toEqual(['live-update -f /none'])
    expect(complaints).toEqual(['live-update: the daemon does not take /none: File not accessible'])
  })

  test('what fails at the start is taken back', async () => {
    const { asked, complaints, tool } = fakeDaemon('OK', 'OK', 'the state cannot be written')
    expect(await liveUpdate(tool, ['-c', 'words', '-v', '1', '/new'])).toBe(3)
    expect(asked.slice(2)).toEqual(['live-update -s -t 60 -v 1', 'live-update -a'])
    expect(complaints).toEqual(['live-update: the state cannot be written'])
  })
})

test('an unknown command is answered with those that there are', async () => {
  const { complaints, tool } = fakeDaemon(new XenError('EINVAL', 'control'), 'check help')
  expect(await control(tool, 'horses', [])).toBe(3)
  expect(complaints).toEqual(['EINVAL: the daemon does not take this command so; it has these:\ncheck help'])
})

test('an answer is printed up to its first NUL; an empty one is not', async () => {
  const printed: unknown[] = []
  const { tool } = fakeDaemon('one\0two', '')
  const output = { ...tool.output, print: async (piece: unknown) => void printed.push(piece) }
  expect(await control({ ...tool, output }, 'quota', [])).toBe(0)
  expect(await control({ ...tool, output }, 'quota', [])).toBe(0)
  expect(printed).toEqual(['one\n'])
})
