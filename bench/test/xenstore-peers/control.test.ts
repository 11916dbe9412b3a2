import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

/** What release 4.17 calls otherwise, or has not. */
const NEWER = { 'node-permissions': 'permissions' } as const

/** The names that begin the lines, each with what stands before the words that explain it. */
const settings = (printed: string): Map<string, string> =>
  new Map(
    [...printed.matchAll(/^(\S+) *: *(\d+)/gm)].map(([, name, value]) => [
      NEWER[name as keyof typeof NEWER] ?? name!,
      value!,
    ]),
  )

/** With what is refused the tool prints the daemon's help, which tells of other parameters. */
const withoutHelp = ({ stderr, ...rest }: ToolOutcome) => ({ ...rest, stderr: stderr.split('\n')[0] })

describeWithPeers('xenstore-control', () => {
  let home = ''
  let daemons: [ours: Daemon, original: Daemon]
  let tools: [toOurs: XenTools, toOriginal: XenTools]

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'control-'))
    daemons = [await startOwn(), await startPeer('C xenstored')]
    const { root } = await peerPackages()
    const [ours, original] = daemons
    tools = [new XenTools(root, ours.socketPath), new XenTools(root, original.socketPath)]
  })

  afterAll(async () => {
    for (const daemon of daemons) await daemon[Symbol.asyncDispose]()
    rmSync(home, { recursive: true })
  })

  const both = async (...args: string[]) => {
    const [ours, original] = await Promise.all(tools.map((to) => to.run('xenstore-control', ...args)))
    return { ours: ours!, original: original! }
  }

  it.each([
    [['check']],
    [['log', 'on']],
    [['log', 'off']],
    [['log', 'maybe']],
    [['print', 'text']],
    [['print']],
    [['memreport', 'a', 'b']],
    [['quota', 'set', 'nodes', '0']],
    [['quota', 'set', 'none', '1']],
    [['quota', '4711']],
    [['quota-soft', 'set', 'nodes', '1']],
  ])('%j prints the same and ends alike', async (args) => {
    const { ours, original } = await both(...args)
    expect(withoutHelp(ours)).toEqual(withoutHelp(original))
  })

  it('help tells of every command of the original but live-update, which a daemon adds that can do it', async () => {
    const { ours, original } = await both('help')
    const commands = (printed: string) => printed.match(/^[a-z-]+(?=\s)/gm)
    expect(ours.code).toBe(original.code)
    expect(commands(ours.stdout)).toEqual(commands(original.stdout)!.filter((name) => name !== 'live-update'))
  })

  it('quota and quota-soft show the same values under the same names, also after one was set', async () => {
    expect((await both('quota', 'set', 'watches', '77')).ours).toEqual({ code: 0, stdout: 'OK\n', stderr: '' })
    for (const command of ['quota', 'quota-soft']) {
      const { ours, original } = await both(command)
      expect(ours.stdout.split('\n')[0]).toBe(original.stdout.split('\n')[0])
      const [seen, due] = [settings(ours.stdout), settings(original.stdout)]
      expect(new Set(seen)).toEqual(new Set(due))
    }
  })

  it('logfile and memreport write files', async () => {
    for (const [index, to] of tools.entries()) {
      const [log, report] = [join(home, `log-${index}`), join(home, `report-${index}`)]
      expect(await to.run('xenstore-control', 'logfile', log)).toMatchObject({ code: 0, stdout: 'OK\n' })
      await to.run('xenstore-write', '/logged', 'value')
      await to.run('xenstore-control', 'log', 'off')
      expect(await to.run('xenstore-control', 'memreport', report)).toMatchObject({ code: 0, stdout: 'OK\n' })
      expect(readFileSync(log, 'utf8')).toMatch(/IN \S+ (\(d0\) )?\d{8} \d\d:\d\d:\d\d WRITE \(\/logged value\)/)
      expect(readFileSync(report, 'utf8')).not.toBe('')
    }
  })
})
