import { headerOf, settle, shownReply } from '@split-driver/conformance'
import { packStringAndRest, packStrings, XenStoreOp } from '@split-driver/xenbus'
import { describe, expect, test } from 'vitest'
import { StoreWorld } from './support/store-world.js'

const world = () => {
  const store = new StoreWorld()
  return { store, dom0: store.connect() }
}

describe('a fresh store', () => {
  test('holds /, /tool/xenstored and the two special paths, as the original does', async () => {
    const { dom0 } = world()
    expect(await dom0.directory('/')).toBe('tool')
    expect(await dom0.directory('/tool')).toBe('xenstored')
    expect(await dom0.getPerms('/')).toBe('n0')
    expect(await dom0.getPerms('@releaseDomain')).toBe('n0')
    expect(await dom0.getPerms('@introduceDomain')).toBe('n0')
  })
})

describe('rule 40: paths', () => {
  const invalid = [
    '',
    '//',
    '/a//b',
    '/a/',
    'a/',
    '/a b',
    '/a\n',
    '/ä',
    '/a.b',
    '@releaseDomain',
    `/${'a'.repeat(3072)}`,
    'a'.repeat(2049),
  ]
  test.each(invalid)('EINVAL for %j', async (path) => {
    const { dom0 } = world()
    expect(await dom0.read(path)).toBe('!EINVAL')
    expect(await dom0.write(path, 'x')).toBe('!EINVAL')
    expect(await dom0.mkdir(path)).toBe('!EINVAL')
    expect(await dom0.rm(path)).toBe('!EINVAL')
    expect(await dom0.directory(path)).toBe('!EINVAL')
  })

  const longest = [`/${'a'.repeat(3071)}`, 'r'.repeat(2048), '/-_@', '/0/Z/z', `/${'d/'.repeat(1535)}d`]
  test.each(longest)('%.20s… is a path', async (path) => {
    const { dom0 } = world()
    expect(await dom0.write(path, 'x')).toBe('OK')
    expect(await dom0.read(path)).toBe('x')
    expect(await dom0.rm(path)).toBe('OK')
  })

  test('a relative path begins at /local/domain/<domid>', async () => {
    const { store, dom0 } = world()
    await dom0.mkdir('/local/domain/7')
    await dom0.setPerms('/local/domain/7', ['n7'])
    expect(await store.connect(7).write('x/y', 'mine')).toBe('OK')
    expect(await dom0.read('/local/domain/7/x/y')).toBe('mine')
  })
})

describe('rule 41: nodes', () => {
  test('WRITE creates missing parents with empty values, and replaces a value', async () => {
    const { dom0 } = world()
    expect(await dom0.write('/a/b/c', 'one')).toBe('OK')
    expect(await dom0.read('/a')).toBe('')
    expect(await dom0.read('/a/b/c')).toBe('one')
    expect(await dom0.write('/a/b/c', '')).toBe('OK')
    expect(await dom0.read('/a/b/c')).toBe('')
  })

  test('a value is the rest of the body, with no NUL to end it and any bytes in it', async () => {
    const { dom0 } = world()
    const value = Uint8Array.of(0, 255, 0, 1)
    await dom0.ask(XenStoreOp.Write, packStringAndRest('/bytes', value))
    expect((await dom0.request(XenStoreOp.Read, packStrings('/bytes'))).body).toEqual(value)
  })

  test('MKDIR of an existing node leaves it as it is', async () => {
    const { dom0 } = world()
    await dom0.write('/a', 'kept')
    expect(await dom0.mkdir('/a')).toBe('OK')
    expect(await dom0.read('/a')).toBe('kept')
  })

  test('RM takes all below; RM of a missing node is OK only if its parent exists; RM / is EINVAL', async () => {
    const { dom0 } = world()
    await dom0.write('/a/b/c', 'x')
    expect(await dom0.rm('/a/b')).toBe('OK')
    expect(await dom0.read('/a/b/c')).toBe('!ENOENT')
    expect(await dom0.rm('/a/b')).toBe('OK')
    expect(await dom0.rm('/a/b/c')).toBe('!ENOENT')
    expect(await dom0.rm('/')).toBe('!EINVAL')
  })

  test('DIRECTORY lists children in the order of their creation, small and large', async () => {
    const { dom0 } = world()
    const names = Array.from({ length: 40 }, (_, i) => `n${(i * 17) % 40}`)
    for (const name of names) await dom0.mkdir(`/d/${name}`)
    expect(await dom0.directory('/d')).toBe(names.join('|'))
    await dom0.rm('/d/n0')
    await dom0.mkdir('/d/n0')
    expect(await dom0.directory('/d')).toBe([...names.slice(1), 'n0'].join('|'))
    expect((await dom0.request(XenStoreOp.Directory, packStrings('/tool/xenstored'))).body).toHaveLength(0)
  })
})

describe('rule 39: errors', () => {
  test('an ERROR carries the name and a NUL, and echoes req_id and tx_id', async () => {
    const { dom0 } = world()
    const reply = await dom0.request(XenStoreOp.Read, packStrings('/none'))
    expect(reply).toMatchObject({ type: XenStoreOp.Error, txId: 0 })
    expect(reply.body).toEqual(packStrings('ENOENT'))
    const inTransaction = await dom0.request(XenStoreOp.Read, packStrings('/none'), await dom0.start())
    expect(inTransaction.txId).toBe(1)
  })

  test.each([XenStoreOp.WatchEvent, XenStoreOp.Error, 20, 27, 0xffff, 0xffffffff])(
    'operation %i is ENOSYS',
    async (type) => {
      const { dom0 } = world()
      expect(await dom0.ask(type, packStrings('x'))).toBe('!ENOSYS')
    },
  )

  test('a body that is not what the operation takes is EINVAL', async () => {
    const { dom0 } = world()
    const { Read, Write, SetPerms, Watch, TransactionEnd, DirectoryPart, Introduce } = XenStoreOp
    const noNul = new TextEncoder().encode('/tool')
    const cases: [number, Uint8Array][] = [
      [Read, new Uint8Array()],
      [Read, noNul],
      [Read, packStrings('/tool', '')],
      [Write, noNul],
      [SetPerms, packStrings('/tool')],
      [SetPerms, packStrings('/tool', 'x0')],
      [SetPerms, packStrings('/tool', 'r')],
      [SetPerms, packStrings('/tool', 'r32752')],
      [Watch, packStrings('/tool')],
      [Watch, packStrings('/to ol', 't')],
      [DirectoryPart, packStrings('/tool')],
      [DirectoryPart, packStrings('/tool', 'x')],
      [Introduce, packStrings('1', '1')],
      [Introduce, packStrings('1', '1', '0')],
      [Introduce, packStrings('99999', '1', '1')],
    ]
    for (const [type, body] of cases) expect(await dom0.ask(type, body), `${type} ${body}`).toBe('!EINVAL')
    expect(await dom0.ask(TransactionEnd, packStrings('X'), await dom0.start())).toBe('!EINVAL')
  })
})

describe('rule 50: large replies', () => {
  const big = async () => {
    const { dom0 } = world()
    const names = Array.from({ length: 700 }, (_, i) => `child-${i}`)
    for (const name of names) await dom0.mkdir(`/big/${name}`)
    return { dom0, names }
  }

  test('a listing beyond 4096 bytes is E2BIG, and DIRECTORY_PART gives it in parts that end with one more NUL', async () => {
    const { dom0, names } = await big()
    expect(await dom0.directory('/big')).toBe('!E2BIG')
    const listed: string[] = []
    const generations = new Set<string>()
    for (let offset = 0, ended = false, parts = 0; !ended && parts < 9; parts++) {
      const { body } = await dom0.request(XenStoreOp.DirectoryPart, packStrings('/big', String(offset)))
      expect(body.length).toBeLessThanOrEqual(4096)
      const [generation, ...part] = shownReply({ type: 22, reqId: 0, txId: 0, body }).split('|')
      generations.add(generation!)
      ended = part.at(-1) === ''
      listed.push(...part.filter((name) => name !== ''))
      offset = listed.reduce((bytes, name) => bytes + name.length + 1, 0)
    }
    expect(listed).toEqual(names)
    expect(generations.size).toBe(1)
  })

  test('the generation changes when the listing does, and when the node does', async () => {
    const { dom0 } = await big()
    const generation = async () => (await dom0.ask(XenStoreOp.DirectoryPart, packStrings('/big', '0'))).split('|')[0]
    const first = await generation()
    await dom0.rm('/big/child-3')
    const second = await generation()
    await dom0.write('/big', 'value')
    expect(new Set([first, second, await generation()]).size).toBe(3)
  })

  test('an offset at or beyond the end gives nothing but the end', async () => {
    const { dom0 } = world()
    const { body } = await dom0.request(XenStoreOp.DirectoryPart, packStrings('/tool', '10'))
    expect(shownReply({ type: 22, reqId: 0, txId: 0, body })).toMatch(/^[0-9]+\|$/)
  })
})

describe('rule 38 and S1: lengths that a header may announce', () => {
  test.each([4097, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1])(
    'S1: %i kills the connection and nothing else',
    async (length) => {
      const { store, dom0 } = world()
      const hostile = store.connect(5)
      await hostile.watch('/x', 't')
      hostile.postRaw(headerOf(XenStoreOp.Read, length))
      await settle()
      expect(hostile.channel.closed).toBe(true)
      expect(await dom0.write('/x', 'still here')).toBe('OK')
    },
  )

  test('S1: 4096 bytes are served, and a value that fills a message comes back whole', async () => {
    const { dom0 } = world()
    const value = 'v'.repeat(4096 - 3)
    expect(await dom0.write('/x', value)).toBe('OK')
    expect(await dom0.read('/x')).toBe(value)
  })

  test('S1: a message in single bytes is one message', async () => {
    const { dom0 } = world()
    const reply = dom0.messages.length
    const body = packStrings('/tool')
    const bytes = [...headerOf(XenStoreOp.Directory, body.length), ...body]
    for (const byte of bytes) {
      dom0.postRaw(Uint8Array.of(byte))
      await settle(2)
    }
    await settle()
    expect(dom0.messages.slice(reply).map(shownReply)).toEqual(['xenstored'])
  })

  test('S1: a token of any size that fits is returned byte for byte, also where path and token would not fit', async () => {
    const { dom0 } = world()
    const token = 'T'.repeat(4096 - 4)
    expect(await dom0.watch('/x', token)).toBe('OK')
    expect(await dom0.events()).toEqual([`/x ${token}`])
    await dom0.write('/x/y', '1')
    // The path below does not fit beside such a token: the watch's own path says where to look.
    expect(await dom0.events()).toEqual([`/x ${token}`])
  })
})
