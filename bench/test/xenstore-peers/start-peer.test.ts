import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, it } from 'vitest'
import { type PeerName, peerPackages, startPeer, XenTools } from '../../src/xenstore-peers/index.js'
import { describeWithPeers } from './peers-here.js'

const names: readonly PeerName[] = ['C xenstored', 'oxenstored']

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`)

describeWithPeers('the original daemons', () => {
  it.each(names)('%s serves twice at once, each with a tree of its own', async (name) => {
    const { root } = await peerPackages()
    await using one = await startPeer(name)
    await using other = await startPeer(name)
    await new XenTools(root, one.socketPath).run('xenstore-write', '/a', 'of the one')
    expect(await new XenTools(root, one.socketPath).run('xenstore-read', '/a')).toMatchObject({
      stdout: 'of the one\n',
    })
    expect(await new XenTools(root, other.socketPath).run('xenstore-read', '/a')).toMatchObject({ code: 1 })
    expect([one, other].map(({ version }) => version)).toEqual([
      expect.stringMatching(/^4\.17/),
      expect.stringMatching(/^4\.17/),
    ])
  })

  it.each(names)('%s is gone when it is disposed, with its socket', async (name) => {
    const daemon = await startPeer(name)
    expect([isAlive(daemon.pid), existsSync(daemon.socketPath)]).toEqual([true, true])
    await daemon[Symbol.asyncDispose]()
    expect([isAlive(daemon.pid), existsSync(daemon.socketPath)]).toEqual([false, false])
  })

  it.each(names)('%s leaves no folder when the process that started it ends without a word', (name) => {
    const peers = new URL('../../dist/xenstore-peers/index.js', import.meta.url).href
    const program = `const { startPeer } = await import('${peers}')
      process.stdout.write((await startPeer('${name}')).socketPath)
      process.exit()`
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
    expect(stdout).toMatch(/\/socket$/)
    expect(existsSync(dirname(stdout))).toBe(false)
  })

  it.each(names)('%s leaves the places alone that its code names', async (name) => {
    const places = ['/run/xenstored', '/run/xen', '/var/log/xen', '/var/lib/xenstored']
    const before = places.filter(existsSync)
    await (await startPeer(name))[Symbol.asyncDispose]()
    expect(places.filter(existsSync)).toEqual(before)
  })
})
