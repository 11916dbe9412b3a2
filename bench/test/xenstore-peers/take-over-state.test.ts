import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { XenStoreWireClient } from '@split-driver/conformance'
import { encodeMessage, packStringAndRest, packStrings, XenStoreOp } from '@split-driver/xenbus'
import { SocketChannel } from '@split-driver/xenbus/node'
import { expect, it } from 'vitest'
import { type Daemon, startPeer } from '../../src/xenstore-peers/index.js'
import { describeWithPeers } from './peers-here.js'
import { ringGuest } from './ring-guest.js'
import { ask, Successors, update } from './successors.js'

/** What packages/xenstored goes on with in a test of its own, wherever that runs. */
const GOLDEN = fileURLToPath(new URL('../../../packages/xenstored/test/state/xenstored-4.17.hex', import.meta.url))
const DOMID = 7
/** Its device model's. */
const ACTING_DOMID = 8

const halfWritten = (path: string): Uint8Array => {
  const body = packStringAndRest(path, 'in two parts')
  return encodeMessage({ type: XenStoreOp.Write, reqId: 100, txId: 0, body }).subarray(0, 20)
}

/** Every kind of thing that a state can say, most of it under way. */
const fill = async (daemon: Daemon, admin: XenStoreWireClient): Promise<void> => {
  const guest = await ringGuest(daemon, DOMID)
  const home = `/local/domain/${DOMID}`
  const asked = async (type: number, ...words: string[]) =>
    expect(await ask(admin, type, packStrings(...words))).toBe('OK')
  await ask(admin, XenStoreOp.Write, packStringAndRest(`${home}/long`, 'long'.repeat(150)))
  await ask(admin, XenStoreOp.Write, packStringAndRest('/tool/binary', Uint8Array.of(0, 255, 10)))
  await asked(XenStoreOp.SetPerms, home, `n${DOMID}`)
  await asked(XenStoreOp.SetPerms, `${home}/long`, `n${DOMID}`)
  await asked(XenStoreOp.SetPerms, '/tool/binary', 'r0', `w${DOMID}`, 'b9')
  await asked(XenStoreOp.SetPerms, '@releaseDomain', 'n0', `r${DOMID}`)
  await asked(XenStoreOp.Introduce, `${DOMID}`, '1', '1')
  await ringGuest(daemon, ACTING_DOMID)
  await asked(XenStoreOp.Introduce, `${ACTING_DOMID}`, '1', '1')
  await asked(XenStoreOp.SetTarget, `${ACTING_DOMID}`, `${DOMID}`)
  await asked(XenStoreOp.Watch, '@releaseDomain', 'ends')
  expect(await ask(guest, XenStoreOp.Watch, packStrings('word', 'of the guest'))).toBe('OK')
  const halfAsked = new XenStoreWireClient(await SocketChannel.connect(daemon.socketPath))
  expect(await ask(halfAsked, XenStoreOp.Watch, packStrings('/tool', 'of a socket'))).toBe('OK')
  halfAsked.postRaw(halfWritten('/tool/half'))
  guest.stall()
  // More than the ring has room for.
  for (let i = 0; i < 2; i++) guest.post(XenStoreOp.Read, packStrings('long'))
  guest.postRaw(halfWritten('half'))
  // The original takes one request of each client at a time.
  for (let i = 0; i < 5; i++) await ask(admin, XenStoreOp.Read, packStrings('/'))
}

const hexLines = (bytes: Uint8Array): string =>
  `${Buffer.from(bytes)
    .toString('hex')
    .match(/.{1,80}/g)
    ?.join('\n')}\n`

describeWithPeers('the state that the original in C leaves', () => {
  it('is the one that our own tests go on with', async () => {
    using programs = new Successors()
    await using daemon = await startPeer('C xenstored')
    const copy = join(dirname(daemon.socketPath), 'state')
    const original = await programs.original(`cp "$XENSTORED_ROOTDIR/state_dump" ${copy}`)
    const admin = new XenStoreWireClient(await SocketChannel.connect(daemon.socketPath))
    await fill(daemon, admin)
    expect(await update(admin, original, '--no-fork --internal-db')).toEqual(['OK', 'OK', 'OK'])
    await expect(hexLines(readFileSync(copy))).toMatchFileSnapshot(GOLDEN)
  })
})
