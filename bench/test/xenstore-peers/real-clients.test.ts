import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  type Daemon,
  peerPackages,
  startOwn,
  startPeer,
  type ToolOutcome,
  XenTools,
} from '../../src/xenstore-peers/index.js'
import { describeWithPeers } from './peers-here.js'

const mixedOperations = readFileSync(new URL('mixed-operations.py', import.meta.url), 'utf8')

/** One command after the other; each group begins where the one before it ended. */
const sessions: Record<string, readonly (readonly string[])[]> = {
  'xenstore-write and -read': [
    ['xenstore-write', '/a/b', 'one', '/a/c', 'two'],
    ['xenstore-read', '/a/b'],
    ['xenstore-read', '/a/b', '/a/c'],
    ['xenstore-read', '-p', '/a/b', '/a/c'],
    ['xenstore-read', '/a'],
    ['xenstore-write', '/a/text', 'tab\\x09 umlaut ä end'],
    ['xenstore-read', '/a/text'],
    ['xenstore-read', '-R', '/a/text'],
    ['xenstore-write', '-R', '/a/raw', 'tab\\x09'],
    ['xenstore-read', '/a/raw'],
    ['xenstore-write', 'relative/key', 'home'],
    ['xenstore-read', 'relative/key', '/local/domain/0/relative/key'],
    ['xenstore-write', '/long', 'x'.repeat(4000)],
    ['xenstore-read', '/long'],
    ['xenstore-write', '/long', 'x'.repeat(5000)],
    ['xenstore-write', '/a/empty', ''],
    ['xenstore-read', '/a/empty'],
  ],
  'xenstore-list, -ls and -exists': [
    ['xenstore-list', '/'],
    ['xenstore-list', '/a', '/local'],
    ['xenstore-list', '-p', '/a'],
    ['xenstore-list', '/a/b'],
    ['xenstore-ls', '/a'],
    ['xenstore-ls'],
    ['xenstore-ls', '-f'],
    ['xenstore-ls', '-p', '/a'],
    ['xenstore-ls', '-f', '-p'],
    ['xenstore-exists', '/a/b'],
    ['xenstore-exists', '/a/none'],
    ['xenstore-exists', '/a/b', '/a/none'],
  ],
  'what is refused': [
    ['xenstore-read', '/none'],
    ['xenstore-read', 'a//b'],
    ['xenstore-read', '/a b'],
    ['xenstore-list', '/none'],
    ['xenstore-ls', '/none'],
    ['xenstore-write', '/a/', 'x'],
    ['xenstore-write', '/ä', 'x'],
    ['xenstore-write', `/${'x'.repeat(3072)}`, 'x'],
    ['xenstore-rm', '/none/below'],
    ['xenstore-rm', '/'],
    ['xenstore-chmod', '/none', 'r1'],
    ['xenstore-chmod', '/a', 'x1'],
  ],
  'xenstore-chmod': [
    ['xenstore-chmod', '/a', 'n0', 'r1', 'b2'],
    ['xenstore-ls', '-p', '/'],
    ['xenstore-chmod', '-r', '/a', 'n0', 'w0'],
    ['xenstore-ls', '-f', '-p', '/a'],
    ['xenstore-chmod', '-u', '/local/domain/0/relative/key', 'r0'],
    ['xenstore-ls', '-f', '-p', '/local'],
  ],
  'xenstore-rm': [
    ['xenstore-rm', '/a/b'],
    ['xenstore-rm', '/a/b'],
    ['xenstore-rm', '-t', '/local/domain/0/relative/key'],
    ['xenstore-list', '/local'],
    ['xenstore-rm', '/a', '/long'],
    ['xenstore-ls', '-f'],
  ],
  'more children than one reply holds': [
    ...Array.from({ length: 4 }, (_, part) => [
      'xenstore-write',
      ...Array.from({ length: 100 }, (_, i) => [`/many/child-${part}-${i}-${'n'.repeat(20)}`, `${i}`]).flat(),
    ]),
    ['xenstore-list', '/many'],
    ['xenstore-ls', '/many'],
    ['xenstore-rm', '/many'],
  ],
}

/** Some tools name themselves by their whole path. */
const withoutPlace = ({ code, stdout, stderr }: ToolOutcome): ToolOutcome => ({
  code,
  stdout,
  stderr: stderr.replaceAll(/^\S*\/(?=xenstore-)/gm, ''),
})

/** Resolves when `count` lines were printed. */
const untilLines = (stdout: Readable, count: number): Promise<void> =>
  new Promise((resolve) => {
    let seen = 0
    createInterface(stdout).on('line', () => {
      seen++
      if (seen === count) resolve()
    })
  })

describeWithPeers("Xen's own clients", () => {
  let ours: Daemon
  let original: Daemon
  let toOurs: XenTools
  let toOriginal: XenTools

  beforeAll(async () => {
    ours = await startOwn()
    original = await startPeer('C xenstored')
    // Permissions are shown for domains that exist.
    for (const daemon of [ours, original]) for (const domid of [1, 2]) daemon.createGuest(domid)
    const { root } = await peerPackages()
    toOurs = new XenTools(root, ours.socketPath)
    toOriginal = new XenTools(root, original.socketPath)
  })

  afterAll(async () => {
    await ours[Symbol.asyncDispose]()
    await original[Symbol.asyncDispose]()
  })

  it.each(Object.keys(sessions))('%s print the same and end alike', async (title) => {
    for (const [tool = '', ...args] of sessions[title]!) {
      const seen = withoutPlace(await toOurs.run(tool, ...args))
      expect({ tool, args, ...seen }).toEqual({ tool, args, ...withoutPlace(await toOriginal.run(tool, ...args)) })
    }
  })

  it('xenstore-watch prints the same events', async () => {
    const printed = []
    for (const tools of [toOurs, toOriginal]) {
      const { child, outcome } = tools.start('xenstore-watch', '-n', '5', '/watched', '@introduceDomain')
      // One for each path: both watches are set then.
      await untilLines(child.stdout!, 2)
      await tools.run('xenstore-write', '/watched/a', '1')
      await tools.run('xenstore-write', '/unwatched', '1')
      await tools.run('xenstore-rm', '/watched/a')
      await tools.run('xenstore-write', '/watched', '2')
      printed.push(await outcome)
    }
    expect(printed[0]).toEqual(printed[1])
    expect(printed[0]?.stdout.split('\n')).toContain('/watched/a')
  })

  it('all of test-xenstore passes', async () => {
    const rows = ({ stdout }: ToolOutcome) => [...stdout.matchAll(/^(.*\S) *: \d+ ns$/gm)].map(([, row]) => row)
    const [seen, expected] = [await toOurs.run('test-xenstore'), await toOriginal.run('test-xenstore')]
    expect(seen).toMatchObject({ code: 0, stderr: '' })
    expect(rows(seen)).toEqual(rows(expected))
    expect(rows(seen)).toHaveLength(12)
  })

  it('10,000 mixed operations through libxenstore in Python are what a small model says', async () => {
    expect(await toOurs.python(mixedOperations, '10000', '1')).toMatchObject({ code: 0, stderr: '' })
  })

  it('the model says the same of C xenstored', async () => {
    expect(await toOriginal.python(mixedOperations, '10000', '2')).toMatchObject({ code: 0, stderr: '' })
  })
})
