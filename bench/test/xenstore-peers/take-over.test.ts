import { fileURLToPath } from 'node:url'
import { XenStoreWireClient } from '@split-driver/conformance'
import { joinPath, packStringAndRest, packStrings, unpackTexts, XenStoreOp } from '@split-driver/xenbus'
import { SocketChannel } from '@split-driver/xenbus/node'
import { expect, it } from 'vitest'
import { startPeer } from '../../src/xenstore-peers/index.js'
import { describeWithPeers } from './peers-here.js'
import { ask, Successors, update } from './successors.js'

const SPLIT_DRIVER = fileURLToPath(new URL('../../../packages/cli/dist/main.js', import.meta.url))

/** Everything in the store, with permissions. */
const dump = async (client: XenStoreWireClient): Promise<string[]> => {
  const lines: string[] = []
  const visit = async (path: string): Promise<void> => {
    const value = await ask(client, XenStoreOp.Read, packStrings(path))
    lines.push(`${path} = ${value} (${await ask(client, XenStoreOp.GetPerms, packStrings(path))})`)
    const names = await ask(client, XenStoreOp.Directory, packStrings(path))
    for (const name of names.split('|').filter((each) => each !== '')) await visit(joinPath(path, name))
  }
  await visit('/')
  return lines
}

const fill = async (client: XenStoreWireClient): Promise<void> => {
  for (const path of ['/local/domain/7/name', '/vm/empty', '/a/b/c']) {
    await ask(client, XenStoreOp.Write, packStringAndRest(path, `value of ${path}`))
  }
  await ask(client, XenStoreOp.Mkdir, packStrings('/vm/more'))
  await ask(client, XenStoreOp.SetPerms, packStrings('/a/b', 'r0', 'b0'))
  await ask(client, XenStoreOp.SetPerms, packStrings('@releaseDomain', 'n0', 'r0'))
}

describeWithPeers('live update between the original in C and ours', () => {
  it('takes over from it and hands over to it, with the whole store, every watch and every connection', async () => {
    using programs = new Successors()
    const [original, ours] = [await programs.original(), programs.ours(SPLIT_DRIVER)]
    await using daemon = await startPeer('C xenstored')
    const [admin, watching] = [
      new XenStoreWireClient(await SocketChannel.connect(daemon.socketPath)),
      new XenStoreWireClient(await SocketChannel.connect(daemon.socketPath)),
    ]
    await fill(admin)
    await ask(watching, XenStoreOp.Watch, packStrings('/w', 'a token'))
    const before = await dump(admin)
    expect(before.length).toBeGreaterThan(12)

    const asks = async (): Promise<string> => ask(admin, XenStoreOp.Control, packStrings('help'))
    const theirs = await asks()
    expect(await update(admin, ours, 'xenstored --no-host')).toEqual(['OK', 'OK', 'OK'])
    expect(await dump(admin)).toEqual(before)
    expect(await asks()).not.toBe(theirs)
    // The original does not tell of them by GET_PERMS.
    expect(await ask(admin, XenStoreOp.GetPerms, packStrings('@releaseDomain'))).toBe('n0|r0')
    await ask(admin, XenStoreOp.Write, packStringAndRest('/w', 'one'))

    expect(await update(admin, original, '--no-fork --internal-db')).toEqual(['OK', 'OK', 'OK'])
    expect((await dump(admin)).filter((line) => !line.startsWith('/w '))).toEqual(before)
    expect(await asks()).toBe(theirs)
    await ask(admin, XenStoreOp.Rm, packStrings('/w'))
    await ask(watching, XenStoreOp.Read, packStrings('/'))
    const events = watching.messages.filter(({ type }) => type === XenStoreOp.WatchEvent)
    expect(events.map(({ body }) => unpackTexts(body))).toEqual(Array.from({ length: 3 }, () => ['/w', 'a token']))
  })
})
