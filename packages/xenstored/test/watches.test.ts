import { settle, shownEvent, shownReply } from '@split-driver/conformance'
import { packStrings, XenStoreOp } from '@split-driver/xenbus'
import { describe, expect, test } from 'vitest'
import { StoreWorld } from './support/store-world.js'

const world = () => {
  const store = new StoreWorld()
  return { store, dom0: store.connect(), watcher: store.connect() }
}

describe('rule 44: WATCH', () => {
  test('the OK comes first, then one event, even if the node is absent', async () => {
    const { watcher } = world()
    watcher.post(XenStoreOp.Watch, packStrings('/absent', 'tok'))
    await settle()
    expect(watcher.messages.map(({ type }) => type)).toEqual([XenStoreOp.Watch, XenStoreOp.WatchEvent])
    expect(shownReply(watcher.messages[0]!)).toBe('OK')
    expect(shownEvent(watcher.messages[1]!)).toBe('/absent tok')
  })

  test('a duplicate (path, token) is EEXIST, be it relative; UNWATCH of a missing one is ENOENT', async () => {
    const { watcher } = world()
    expect(await watcher.watch('a', 't')).toBe('OK')
    expect(await watcher.watch('a', 't')).toBe('!EEXIST')
    expect(await watcher.watch('/local/domain/0/a', 't')).toBe('!EEXIST')
    expect(await watcher.watch('a', 'other')).toBe('OK')
    expect(await watcher.unwatch('a', 'missing')).toBe('!ENOENT')
    expect(await watcher.unwatch('t', 'a')).toBe('!ENOENT')
    expect(await watcher.unwatch('a', 't')).toBe('OK')
    expect(await watcher.unwatch('a', 't')).toBe('!ENOENT')
    expect(await watcher.watch('a', 't')).toBe('OK')
  })

  test('UNWATCH of what is no path is ENOENT, too; both original daemons say so', async () => {
    const { watcher } = world()
    for (const path of ['', '//', '/a/', 'a b', '@', 'x'.repeat(2049)]) {
      expect(await watcher.unwatch(path, 't')).toBe('!ENOENT')
    }
    expect(await watcher.ask(XenStoreOp.Unwatch, packStrings('/a'))).toBe('!EINVAL')
    expect(await watcher.ask(XenStoreOp.Unwatch, packStrings('/a', 't', 'more'))).toBe('!EINVAL')
  })

  test('an ended watch is silent, and the other one on its path is not', async () => {
    const { dom0, watcher } = world()
    await watcher.watch('/a', 'one')
    await watcher.watch('/a', 'two')
    await watcher.watch('/a/b/c', 'deep')
    await watcher.unwatch('/a', 'one')
    await watcher.unwatch('/a/b/c', 'deep')
    await watcher.events()
    await dom0.write('/a/b/c', 'x')
    expect(await watcher.events()).toEqual(['/a/b/c two'])
  })
})

describe('rule 45: what an event says', () => {
  test('req_id and tx_id are 0, and the token is returned byte for byte', async () => {
    const { dom0, watcher } = world()
    const token = Uint8Array.from({ length: 255 }, (_, i) => i + 1)
    await watcher.watch('/a', token)
    await dom0.write('/a', 'x')
    await settle()
    const event = watcher.messages.at(-1)!
    expect(event).toMatchObject({ type: XenStoreOp.WatchEvent, reqId: 0, txId: 0 })
    expect(event.body).toEqual(packStrings('/a', token))
  })

  test('two tokens that differ in one byte beyond ASCII are two watches', async () => {
    const { watcher } = world()
    expect(await watcher.watch('/a', Uint8Array.of(0x80))).toBe('OK')
    expect(await watcher.watch('/a', Uint8Array.of(0x81))).toBe('OK')
    expect(await watcher.watch('/a', Uint8Array.of(0xff))).toBe('OK')
    expect(await watcher.watch('/a', Uint8Array.of(0x80))).toBe('!EEXIST')
  })

  test('the path is relative iff it was registered so', async () => {
    const { dom0, watcher } = world()
    await watcher.watch('device', 'rel')
    await watcher.watch('/local/domain/0/device', 'abs')
    expect(await watcher.events()).toEqual(['device rel', '/local/domain/0/device abs'])
    await dom0.write('device/vbd/0', 'x')
    expect(await watcher.events()).toEqual(['device/vbd/0 rel', '/local/domain/0/device/vbd/0 abs'])
  })
})

describe('rule 46: which watches fire', () => {
  test('those on the path and above it, in the order of registration, and no namesake', async () => {
    const { dom0, watcher } = world()
    for (const path of ['/', '/a/b', '/a', '/a/b/c', '/ab']) await watcher.watch(path, path.slice(1) || 'root')
    await watcher.events()
    await dom0.write('/a/b', 'x')
    expect(await watcher.events()).toEqual(['/a/b root', '/a/b a/b', '/a/b a'])
  })

  test('creation of parents is told as one event at the path that was asked for', async () => {
    const { dom0, watcher } = world()
    await watcher.watch('/a', 't')
    await watcher.watch('/a/b', 'u')
    await watcher.events()
    await dom0.mkdir('/a/b/c')
    expect(await watcher.events()).toEqual(['/a/b/c t', '/a/b/c u'])
  })

  test('permissions, too, are told of; MKDIR of what exists and RM of what does not are not (rule 41)', async () => {
    const { dom0, watcher } = world()
    await dom0.mkdir('/a')
    await watcher.watch('/a', 't')
    await watcher.events()
    await dom0.setPerms('/a', ['r0'])
    expect(await watcher.events()).toEqual(['/a t'])
    await dom0.mkdir('/a')
    await dom0.rm('/a/none')
    expect(await watcher.events()).toEqual([])
  })

  test('on removal, what was below fires only watches on exactly its path, children first', async () => {
    const { dom0, watcher } = world()
    await dom0.write('/top/a/b/c', 'x')
    await dom0.write('/top/a/d', 'x')
    for (const path of ['/top', '/top/a', '/top/a/b', '/top/a/b/c', '/top/a/d', '/top/a/none'])
      await watcher.watch(path, 't')
    await watcher.events()
    await dom0.rm('/top/a')
    expect(await watcher.events()).toEqual(['/top/a/b/c t', '/top/a/b t', '/top/a/d t', '/top/a t'])
  })

  test('identical undelivered events are one; others, and those of @…, are not', async () => {
    const { store, dom0, watcher } = world()
    await watcher.watch('/a', 't')
    await watcher.watch('@introduceDomain', 'in')
    await watcher.events()
    watcher.stall()
    // Replies and events beyond the channel's own 1024 bytes wait in the server.
    for (let i = 0; i < 60; i++) await dom0.write(`/a/${i}`, 'first')
    for (let i = 0; i < 100; i++) await dom0.write('/a/again', 'x')
    await store.introduce(3)
    await store.introduce(4)
    watcher.resume()
    const events = await watcher.events()
    expect(events.slice(0, 60)).toEqual(Array.from({ length: 60 }, (_, i) => `/a/${i} t`))
    expect(events.slice(60)).toEqual(['/a/again t', '@introduceDomain in', '@introduceDomain in'])
  })

  test('an event that was delivered is no reason to leave out the next', async () => {
    const { dom0, watcher } = world()
    await watcher.watch('/a', 't')
    await watcher.events()
    for (let i = 0; i < 3; i++) {
      await dom0.write('/a', String(i))
      expect(await watcher.events()).toEqual(['/a t'])
    }
  })

  test('beyond the bound one event at the watch’s own path stands for all that found no room, and none is lost', async () => {
    const store = new StoreWorld({ limits: { undeliveredEventBytes: 2048 } })
    const [dom0, watcher] = [store.connect(), store.connect()]
    await watcher.watch('/a', 't')
    await watcher.watch('/a/x', 'u')
    await watcher.events()
    watcher.stall()
    for (let i = 0; i < 500; i++) await dom0.write(`/a/x/${i}`, 'x')
    watcher.resume()
    const events = await watcher.events()
    expect(events.length).toBeLessThan(150)
    expect(events.slice(-2).sort()).toEqual(['/a t', '/a/x u'])
    await dom0.write('/a/x/last', 'x')
    expect(await watcher.events()).toEqual(['/a/x/last t', '/a/x/last u'])
  })
})

describe('rule 47: watches and transactions', () => {
  test('a tx_id on WATCH and UNWATCH is ignored, also one that there is not', async () => {
    const { watcher } = world()
    expect(await watcher.ask(XenStoreOp.Watch, packStrings('/a', 't'), 77)).toBe('OK')
    expect(await watcher.ask(XenStoreOp.Unwatch, packStrings('/a', 't'), 78)).toBe('OK')
  })

  test('events of a transaction fire on its commit only, one for each path', async () => {
    const { dom0, watcher } = world()
    await watcher.watch('/a', 't')
    await watcher.events()
    const id = await dom0.start()
    await dom0.write('/a/x', '1', id)
    await dom0.write('/a/x', '2', id)
    await dom0.mkdir('/a/y', id)
    await dom0.write('/a/gone', '1', id)
    await dom0.rm('/a/gone', id)
    expect(await watcher.events()).toEqual([])
    expect(await dom0.end(id)).toBe('OK')
    expect(await watcher.events()).toEqual(['/a/x t', '/a/y t'])
  })

  test('events of an aborted transaction, and of one that failed, do not fire', async () => {
    const { dom0, watcher } = world()
    await watcher.watch('/a', 't')
    await watcher.events()
    const aborted = await dom0.start()
    await dom0.write('/a/x', '1', aborted)
    expect(await dom0.end(aborted, false)).toBe('OK')
    const failed = await dom0.start()
    await dom0.read('/b', failed)
    await dom0.write('/a/x', '1', failed)
    await dom0.write('/b', '1')
    expect(await dom0.end(failed)).toBe('!EAGAIN')
    expect(await watcher.events()).toEqual([])
  })

  test('a removal in a transaction fires as one outside: exactly below, above all of it', async () => {
    const { dom0, watcher } = world()
    await dom0.write('/a/b/c', 'x')
    for (const path of ['/a', '/a/b', '/a/b/c']) await watcher.watch(path, 't')
    await watcher.events()
    const id = await dom0.start()
    await dom0.rm('/a/b', id)
    await dom0.end(id)
    expect(await watcher.events()).toEqual(['/a/b/c t', '/a/b t'])
  })
})

describe('rule 53: RESET_WATCHES', () => {
  test('ends the watches and the transactions of the caller, and nobody else’s', async () => {
    const { dom0, watcher } = world()
    await watcher.watch('/a', 't')
    await dom0.watch('/a', 't')
    const id = await watcher.start()
    await dom0.events()
    expect(await watcher.ask(XenStoreOp.ResetWatches, packStrings(''))).toBe('OK')
    await watcher.events()
    await dom0.write('/a', 'x')
    expect(await watcher.events()).toEqual([])
    expect(await dom0.events()).toEqual(['/a t'])
    expect(await watcher.end(id)).toBe('!ENOENT')
  })
})
