import { concatBytes, encodeMessage, packStringAndRest, packStrings, toText, XenStoreOp } from '@split-driver/xenbus'
import { assert, assertEqual, assertList } from './assert.js'
import type { SuiteCase } from './suite.js'
import { eventually } from './wait.js'
import { BASE, onWire, WireScene } from './wire-scene.js'
import { headerOf } from './xenstore-wire-client.js'

/** Types that no server knows. @see xen/include/public/io/xs_wire.h enum xsd_sockmsg_type */
const UNKNOWN_TYPES = [XenStoreOp.WatchEvent, XenStoreOp.Error, 20, 27, XenStoreOp.Invalid, 0xffff_ffff]

/** Messages, errors, paths and transaction ids as bytes: rules 38 to 40, 44, 45, 49 and 56. */
export const wireCases: SuiteCase[] = [
  {
    name: 'rule 38: a reply repeats the type, the request id and the transaction of its request',
    needs: ['storeWire'],
    run: async (world) => {
      await using scene = await WireScene.open(world)
      const { dom0 } = scene
      const txId = await dom0.start()
      for (const reqId of [0, 1, 0x8000_0000, 0xffff_ffff]) {
        dom0.messages.length = 0
        dom0.postRaw(encodeMessage({ type: XenStoreOp.Directory, reqId, txId, body: packStrings('/') }))
        await eventually(world.dom0.clock, () => dom0.messages.length > 0, `a reply to request ${reqId}`)
        const { type, ...header } = dom0.messages[0]!
        assertList([type, header.reqId, header.txId], [XenStoreOp.Directory, reqId, txId], 'the header')
      }
      assertEqual(await dom0.end(txId, false), 'OK', 'END')
    },
  },
  {
    name: 'rule 38: a message may come byte by byte, and many at once',
    needs: ['storeWire'],
    run: async (world) => {
      await using scene = await WireScene.open(world)
      const { dom0 } = scene
      const body = packStringAndRest(`${BASE}/slow`, 'value')
      for (const byte of encodeMessage({ type: XenStoreOp.Write, reqId: 7, txId: 0, body })) {
        dom0.postRaw(Uint8Array.of(byte))
        await Promise.resolve()
      }
      assertEqual(await dom0.read(`${BASE}/slow`), 'value', 'what came byte by byte')
      dom0.messages.length = 0
      const read = { type: XenStoreOp.Read, txId: 0, body: packStrings(`${BASE}/slow`) }
      dom0.postRaw(concatBytes(...[11, 12, 13].map((reqId) => encodeMessage({ ...read, reqId }))))
      await eventually(world.dom0.clock, () => dom0.messages.length === 3, 'three replies')
      assertList(
        dom0.messages.map(({ reqId }) => reqId),
        [11, 12, 13],
        'replies in the order of their requests',
      )
    },
  },
  {
    name: 'S1, rule 38: a body of more than 4096 bytes ends its connection, and no other',
    needs: ['storeWire'],
    differs: { oxenstored: 'oversized-body' },
    run: onWire(async (scene) => {
      for (const length of [4097, 2 ** 31, 2 ** 32 - 1]) {
        const hostile = await scene.connect()
        assertEqual(await hostile.watch(`${BASE}/w`, 't'), 'OK', 'WATCH')
        hostile.postRaw(headerOf(XenStoreOp.Write, length))
        await hostile.untilClosed(`the end of a connection whose body has ${length} bytes`)
        assertEqual(await scene.dom0.write(`${BASE}/w`, 'x'), 'OK', 'another connection')
      }
    }),
  },
  {
    name: 'S1, rule 38: a body of 4096 bytes, most of it a token, is taken, and its event is whole',
    needs: ['storeWire'],
    run: onWire(async ({ dom0 }) => {
      const path = `${BASE}/long`
      const token = 't'.repeat(4096 - path.length - 2)
      assertEqual(await dom0.watch(path, token), 'OK', 'WATCH')
      assertList(await dom0.events(), [`${path} ${token}`], 'the first event')
      assertEqual(await dom0.unwatch(path, token), 'OK', 'UNWATCH')
    }),
  },
  {
    name: 'rule 39: an error’s body is its name and a NUL',
    needs: ['storeWire'],
    run: onWire(async ({ dom0 }) => {
      const { type, body } = await dom0.request(XenStoreOp.Read, packStrings(`${BASE}/none/none`))
      assertEqual(type, XenStoreOp.Error, 'the type')
      assertEqual(toText(body), 'ENOENT\0', 'the body')
    }),
  },
  {
    name: 'rules 39, 56: a request of no known type is an error of the wire, and the connection goes on',
    needs: ['storeWire'],
    run: onWire(async ({ dom0 }) => {
      for (const type of UNKNOWN_TYPES) {
        const reply = await dom0.tell(type, BASE)
        assert(['!EINVAL', '!ENOSYS'].includes(reply), `type ${type}: ${reply}`)
      }
      assertEqual(await dom0.read('/'), '', 'the next request')
    }),
  },
  {
    name: 'rule 40: a path has letters, digits, - / _ and @, and no other byte',
    needs: ['storeWire'],
    run: onWire(async ({ dom0 }) => {
      for (let byte = 1; byte < 256; byte++) {
        const path = concatBytes(packStrings(`${BASE}/x`).subarray(0, -1), Uint8Array.of(byte), packStrings('y'))
        const allowed = /[A-Za-z0-9/_@-]/.test(String.fromCharCode(byte))
        assertEqual(await dom0.ask(XenStoreOp.Write, path), allowed ? 'OK' : '!EINVAL', `a path with byte ${byte}`)
      }
    }),
  },
  {
    name: 'S6, rule 40: a relative path has 2048 bytes at most',
    needs: ['storeWire'],
    differs: { oxenstored: 'path-length' },
    run: onWire(async ({ dom0 }) => {
      const longest = `conformance/${'p'.repeat(2048 - 'conformance/'.length)}`
      assertEqual(await dom0.write(longest, 'x'), 'OK', '2048 bytes')
      assertEqual(await dom0.read(longest), 'x', '2048 bytes')
      assertEqual(await dom0.write(`${longest}p`, 'x'), '!EINVAL', '2049 bytes')
      assertEqual(await dom0.rm('conformance'), 'OK', 'RM')
    }),
  },
  {
    name: 'S6, rule 40: an absolute path of the control domain has 3072 bytes at most',
    needs: ['storeWire'],
    differs: { oxenstored: 'path-length', 'C xenstored': 'path-length' },
    run: onWire(async ({ dom0 }) => {
      const longest = `${BASE}/${'p'.repeat(3072 - BASE.length - 1)}`
      assertEqual(await dom0.write(longest, 'x'), 'OK', '3072 bytes')
      assertEqual(await dom0.write(`${longest}p`, 'x'), '!EINVAL', '3073 bytes')
    }),
  },
  {
    name: 'rule 44: the OK of WATCH comes before its first event',
    needs: ['storeWire'],
    run: onWire(async ({ dom0 }) => {
      assertEqual(await dom0.watch(`${BASE}/none`, 't'), 'OK', 'WATCH')
      await dom0.tell(XenStoreOp.GetDomainPath, 7)
      const order = dom0.messages.map(({ type }) => type)
      assertList(order, [XenStoreOp.Watch, XenStoreOp.WatchEvent, XenStoreOp.GetDomainPath], 'the order of what came')
      assertList(dom0.takeEvents(), [`${BASE}/none t`], 'the first event')
    }),
  },
  {
    name: 'rule 44: a watch is its path and its token: the same is EEXIST, another token is another; UNWATCH of none is ENOENT',
    needs: ['storeWire'],
    run: onWire(async ({ dom0 }) => {
      const path = `${BASE}/w`
      assertEqual(await dom0.watch(path, 'one'), 'OK', 'the first')
      assertEqual(await dom0.watch(path, 'one'), '!EEXIST', 'the same')
      assertEqual(await dom0.watch(path, 'two'), 'OK', 'another token')
      await dom0.events()
      assertEqual(await dom0.unwatch(path, 'three'), '!ENOENT', 'UNWATCH of another token')
      assertEqual(await dom0.unwatch(BASE, 'one'), '!ENOENT', 'UNWATCH of another path')
      assertEqual(await dom0.unwatch(path, 'one'), 'OK', 'UNWATCH')
      await dom0.write(path, 'x')
      assertList(await dom0.events(), [`${path} two`], 'events of the one that is left')
    }),
  },
  {
    name: 'rule 45: an event has request and transaction 0, and its token byte for byte',
    needs: ['storeWire'],
    run: onWire(async (scene) => {
      const watcher = await scene.connect()
      const token = Uint8Array.from({ length: 255 }, (_, i) => i + 1)
      assertEqual(await watcher.watch(`${BASE}/w`, token), 'OK', 'WATCH')
      await watcher.tell(XenStoreOp.GetDomainPath, 7)
      const event = watcher.messages.find(({ type }) => type === XenStoreOp.WatchEvent)!
      assertList([event.reqId, event.txId], [0, 0], 'the header')
      assertList(event.body, packStrings(`${BASE}/w`, token), 'the body')
    }),
  },
  {
    name: 'rule 47: a transaction named by WATCH means nothing: the watch is there at once, and stays',
    needs: ['storeWire'],
    run: onWire(async ({ dom0 }) => {
      const txId = await dom0.start()
      assertEqual(await dom0.ask(XenStoreOp.Watch, packStrings(`${BASE}/w`, 't'), txId), 'OK', 'WATCH')
      assertList(await dom0.events(), [`${BASE}/w t`], 'the first event')
      assertEqual(await dom0.end(txId, false), 'OK', 'END')
      await dom0.write(`${BASE}/w`, 'x')
      assertList(await dom0.events(), [`${BASE}/w t`], 'after the transaction')
    }),
  },
  {
    name: 'rule 49: TRANSACTION_START in a transaction is EBUSY; TRANSACTION_END takes T or F, and nothing else',
    needs: ['storeWire'],
    run: onWire(async ({ dom0 }) => {
      const txId = await dom0.start()
      assert(txId > 0, 'a transaction’s id is a number above 0')
      assertEqual(await dom0.ask(XenStoreOp.TransactionStart, packStrings(''), txId), '!EBUSY', 'START')
      for (const text of ['', 't', 'TRUE', '1'])
        assertEqual(await dom0.ask(XenStoreOp.TransactionEnd, packStrings(text), txId), '!EINVAL', `END ${text}`)
      assertEqual(await dom0.write(`${BASE}/t`, 'x', txId), 'OK', 'the transaction goes on')
      assertEqual(await dom0.end(txId), 'OK', 'END T')
      assertEqual(await dom0.read(`${BASE}/t`), 'x', 'what was written')
    }),
  },
  {
    name: 'rule 49: a transaction that there is not is ENOENT: never begun, ended, or another connection’s',
    needs: ['storeWire'],
    differs: { oxenstored: 'unknown-transaction' },
    run: onWire(async (scene) => {
      const { dom0 } = scene
      const ended = await dom0.start()
      assertEqual(await dom0.end(ended), 'OK', 'END')
      const other = await scene.connect()
      // Ids are a connection's own: that of the other is none of ours unless we have one of that number.
      const theirs = Math.max(await other.start(), await other.start())
      for (const txId of [0x7777, ended, theirs]) {
        assertEqual(await dom0.read('/', txId), '!ENOENT', `READ in transaction ${txId}`)
        assertEqual(await dom0.end(txId), '!ENOENT', `END of transaction ${txId}`)
      }
    }),
  },
]
