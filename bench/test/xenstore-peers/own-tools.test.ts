import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type OriginalDaemon, peerPackages, startPeer, XenTools } from '../../src/xenstore-peers/index.js'
import { describeWithPeers } from './peers-here.js'

const splitDriver = fileURLToPath(new URL('../../../packages/cli/bin/split-driver.mjs', import.meta.url))

interface Outcome {
  readonly code: number
  readonly stdout: string
}

/** `split-driver xenstore …` as a script calls it. */
const ours = async (socketPath: string, words: readonly string[]): Promise<Outcome> => {
  const options = { env: { ...process.env, XENSTORED_PATH: socketPath } }
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [splitDriver, 'xenstore', ...words], options)
    return { code: 0, stdout }
  } catch (error) {
    return error as Outcome
  }
}

/** What of the tools leaves the store as it is, so that each may be called after the other. */
const invocations: readonly string[] = [
  'ls',
  'ls -p /tool',
  'ls -fp /',
  'ls /none',
  'read -p /tool/a /tool/a/b',
  'read /tool/a /none',
  'list -p /tool',
  'exists /tool/a /none',
  'write /tool/a one',
  'chmod -u /tool/a/b n0 r3',
  'rm /tool/never',
  'watch -n 2 /tool @releaseDomain',
  'control help',
  'control print words',
  'control quota',
  'control quota set nodes 900',
  'control quota 0',
  'control log -io',
  'control log',
  'control horses',
  'control check',
  'control live-update',
  'control live-update -c',
  'control live-update /none',
  'control',
]

describeWithPeers("Our tools beside Xen's, at C xenstored", () => {
  let daemon: OriginalDaemon
  let theirs: XenTools

  beforeAll(async () => {
    daemon = await startPeer('C xenstored')
    theirs = new XenTools((await peerPackages()).root, daemon.socketPath)
    await theirs.run('xenstore-write', '/tool/a', 'one', '/tool/a/b', 'two\\x01')
  })

  afterAll(() => daemon[Symbol.asyncDispose]())

  it.each(invocations)('%s', async (line) => {
    const [verb = '', ...args] = line.split(' ')
    const { code, stdout } = await theirs.run(`xenstore-${verb}`, ...args)
    expect(await ours(daemon.socketPath, [verb, ...args])).toMatchObject({ code, stdout })
  })
})
