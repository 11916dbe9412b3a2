import { XenStoreWireClient } from '@split-driver/conformance'
import { encodeMessage, packStringAndRest, packStrings, XenStoreOp } from '@split-driver/xenbus'
import { SocketChannel } from '@split-driver/xenbus/node'
import { expect, it } from 'vitest'
import { startPeer } from '../../src/xenstore-peers/index.js'
import { describeWithPeers } from './peers-here.js'
import { ringGuest } from './ring-guest.js'
import { ask, OURS, replyTo, Successors, update } from './successors.js'

const DOMID = 7

describeWithPeers('live update between the original in C and ours, under a guest that has much under way', () => {
  it('a message that is half asked or half answered is answered once and whole, whoever goes on', async () => {
    using programs = new Successors()
    await using daemon = await startPeer('C xenstored')
    const admin = new XenStoreWireClient(await SocketChannel.connect(daemon.socketPath))
    const guest = await ringGuest(daemon, DOMID)
    const home = `/local/domain/${DOMID}`
    const long = 'long'.repeat(700)
    await ask(admin, XenStoreOp.Write, packStringAndRest(`${home}/long`, long))
    await ask(admin, XenStoreOp.SetPerms, packStrings(home, `n${DOMID}`))
    await ask(admin, XenStoreOp.SetPerms, packStrings(`${home}/long`, `n${DOMID}`))
    expect(await ask(admin, XenStoreOp.Introduce, packStrings(`${DOMID}`, '1', '1'))).toBe('OK')
    expect(await ask(guest, XenStoreOp.Watch, packStrings('word', 'token'))).toBe('OK')

    const [original, ours] = [await programs.original(), programs.ours(OURS)]
    const successors = [
      ['ours', ours, 'xenstored --host'],
      ['ours', ours, 'xenstored --host'],
      ['original', original, '--no-fork --internal-db'],
      ['ours', ours, 'xenstored --host'],
    ] as const
    for (const [round, [name, file, commandLine]] of successors.entries()) {
      guest.stall()
      const reads = [1, 2].map(() => guest.post(XenStoreOp.Read, packStrings('long')))
      const reqId = 1000 + round
      const body = packStringAndRest('word', `of round ${round}`)
      const half = encodeMessage({ type: XenStoreOp.Write, reqId, txId: 0, body })
      guest.postRaw(half.subarray(0, 20))
      expect(await update(admin, file, commandLine), name).toEqual(['OK', 'OK', 'OK'])
      guest.postRaw(half.subarray(20))
      guest.resume()
      expect(await Promise.all(reads.map((each) => replyTo(guest, each))), name).toEqual([long, long])
      expect(await replyTo(guest, reqId), name).toBe('OK')
      expect(await ask(admin, XenStoreOp.Read, packStrings(`${home}/word`)), name).toBe(`of round ${round}`)
    }
    expect(await ask(guest, XenStoreOp.Read, packStrings('word'))).toBe('of round 3')
    expect(guest.takeEvents()).toEqual(Array.from({ length: 5 }, () => 'word token'))
    daemon.destroyGuest(DOMID)
    const isIntroduced = () => ask(admin, XenStoreOp.IsDomainIntroduced, packStrings(`${DOMID}`))
    await expect.poll(isIntroduced).toBe('F')
  }, 60_000)
})
