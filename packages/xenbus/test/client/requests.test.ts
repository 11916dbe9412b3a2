import type { Domid, FrameNumber, Port } from '@split-driver/abi'
import {
  channelPair,
  encodeMessage,
  type Message,
  okBody,
  packStrings,
  toText,
  unpackTexts,
  WIRE_ERRORS,
  XenStoreClient,
  XenStoreOp,
} from '@split-driver/xenbus'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { settle } from '../settle.js'
import { connect } from './scripted-connection.js'
import { ScriptedServer } from './scripted-server.js'

const domid = 7 as Domid

type Case = readonly [
  name: string,
  call: (client: XenStoreClient) => Promise<unknown>,
  type: number,
  body: Uint8Array | string,
  reply: Uint8Array | string,
  result: unknown,
]

const operations: readonly Case[] = [
  ['read', (c) => c.read('a'), XenStoreOp.Read, 'a\0', 'value', 'value'],
  ['readBytes', (c) => c.readBytes('a'), XenStoreOp.Read, 'a\0', Uint8Array.of(0, 255), Uint8Array.of(0, 255)],
  ['write', (c) => c.write('a/b', 'xy'), XenStoreOp.Write, 'a/b\0xy', okBody(), undefined],
  ['mkdir', (c) => c.mkdir('a'), XenStoreOp.Mkdir, 'a\0', okBody(), undefined],
  ['rm', (c) => c.rm('a'), XenStoreOp.Rm, 'a\0', okBody(), undefined],
  ['directory', (c) => c.directory('/'), XenStoreOp.Directory, '/\0', 'x\0yz\0', ['x', 'yz']],
  ['an empty directory', (c) => c.directory('/'), XenStoreOp.Directory, '/\0', '', []],
  [
    'getPermissions',
    (c) => c.getPermissions('a'),
    XenStoreOp.GetPerms,
    'a\0',
    'n0\0r7\0',
    [
      { domid: 0, kind: 'none' },
      { domid: 7, kind: 'read' },
    ],
  ],
  [
    'setPermissions',
    (c) => c.setPermissions('a', [{ domid, kind: 'both' }]),
    XenStoreOp.SetPerms,
    'a\0b7\0',
    okBody(),
    undefined,
  ],
  [
    'getDomainPath',
    (c) => c.getDomainPath(domid),
    XenStoreOp.GetDomainPath,
    '7\0',
    '/local/domain/7\0',
    '/local/domain/7',
  ],
  ['isDomainIntroduced', (c) => c.isDomainIntroduced(domid), XenStoreOp.IsDomainIntroduced, '7\0', 'F\0', false],
  [
    'introduce, its frame a signed decimal',
    (c) => c.introduce(domid, 0xffff_fffe as FrameNumber, 3 as Port),
    XenStoreOp.Introduce,
    '7\x00-2\x003\x00',
    okBody(),
    undefined,
  ],
  ['release', (c) => c.release(domid), XenStoreOp.Release, '7\0', okBody(), undefined],
]

describe('docs/misc/xenstore.txt: what travels for', () => {
  for (const [name, call, type, body, reply, result] of operations)
    it(name, async () => {
      const { client, server } = connect()
      server.answer = (request) => server.reply(request, reply)
      expect(await call(client)).toEqual(result)
      expect(server.last).toMatchObject({ type, txId: 0 })
      expect(toText(server.last.body)).toBe(typeof body === 'string' ? body : toText(body))
    })
})

describe('rule 39: errors by name, with what was asked', () => {
  for (const code of WIRE_ERRORS)
    it(code, async () => {
      const { client, server } = connect()
      server.answer = (request) => server.refuse(request, code)
      await expect(client.read('/a/b')).rejects.toMatchObject({
        code,
        message: `${code}: read /a/b`,
        detail: { operation: 'read', path: '/a/b' },
      })
    })
})

it('rule 37: a missing node is no error to tryRead; any other error is', async () => {
  const { client, server } = connect()
  server.answer = (request) => server.refuse(request, unpackTexts(request.body)![0] === 'gone' ? 'ENOENT' : 'EACCES')
  expect(await client.tryRead('gone')).toBeUndefined()
  await expect(client.tryRead('secret')).rejects.toMatchObject({ code: 'EACCES' })
})

it('requests are under way together, and replies find them in any order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 40 }).chain((n) => fc.shuffledSubarray([...Array(n).keys()], { minLength: n })),
      async (order) => {
        const { client, server } = connect()
        const replies = order.map((_, i) => client.read(`key/${i}`))
        await settle()
        expect(server.requests.length).toBe(order.length)
        expect(new Set(server.requests.map(({ reqId }) => reqId)).size).toBe(order.length)
        for (const i of order) server.reply(server.requests[i]!, `value ${i}`)
        expect(await Promise.all(replies)).toEqual(order.map((_, i) => `value ${i}`))
      },
    ),
    { numRuns: 30 },
  )
})

describe('rule 45: req_id', () => {
  const numbersOf = async (firstReqId: number, stillWaiting: number): Promise<number[]> => {
    const [near, far] = channelPair()
    const client = new XenStoreClient(near, { firstReqId })
    const server = new ScriptedServer(far)
    for (let i = 0; i < stillWaiting; i++) client.read('a').catch(() => undefined)
    await settle()
    const numbers = server.requests.map(({ reqId }) => reqId)
    client.close()
    return numbers
  }

  it('begins at 1 and is never 0, also past 2³²−1', async () => {
    expect(await numbersOf(1, 3)).toEqual([1, 2, 3])
    expect(await numbersOf(0, 2)).toEqual([1, 2])
    expect(await numbersOf(0xffff_fffe, 4)).toEqual([0xffff_fffe, 0xffff_ffff, 1, 2])
  })
})

it('S9: nothing is kept of a request that was answered, refused or cut off', async () => {
  const { client, server } = connect()
  server.answer = (request) => (server.requests.length % 2 ? server.reply(request, '') : server.refuse(request, 'EIO'))
  await Promise.allSettled(Array.from({ length: 20 }, () => client.read('a')))
  expect(client.outstanding).toBe(0)
  server.answer = undefined
  client.read('a').catch(() => undefined)
  expect(client.outstanding).toBe(1)
  client.close()
  expect(client.outstanding).toBe(0)
})

it('a channel with little room holds nothing up for good', async () => {
  const { client, server } = connect(5)
  server.answer = (request) => server.reply(request, request.body)
  const values = await Promise.all(Array.from({ length: 20 }, (_, i) => client.read(`a-rather-long-path/${i}`)))
  expect(values).toEqual(Array.from({ length: 20 }, (_, i) => `a-rather-long-path/${i}\0`))
})

describe('S9: a reply that nobody waits for', () => {
  const strays: readonly (readonly [string, (request: Message) => Message])[] = [
    ['with an unknown req_id', (r) => ({ ...r, reqId: r.reqId + 1000 })],
    ['with req_id 0', (r) => ({ ...r, reqId: 0 })],
    ['an error with an unknown req_id', (r) => ({ ...r, reqId: 0xffff_ffff, type: XenStoreOp.Error })],
    ['an event without a token', (r) => ({ ...r, type: XenStoreOp.WatchEvent, body: packStrings('a') })],
    [
      'an event with a token never given out',
      (r) => ({ ...r, type: XenStoreOp.WatchEvent, body: packStrings('a', 'zz') }),
    ],
    ['of a type that is none', (r) => ({ ...r, reqId: 0, type: XenStoreOp.Invalid })],
  ]
  for (const [name, stray] of strays)
    it(`${name} is ignored`, async () => {
      const { client, server } = connect()
      server.answer = (request) => {
        server.push(stray(request))
        server.reply(request, 'good')
      }
      expect(await client.read('a')).toBe('good')
    })

  it('a duplicate, or one that comes late, settles nothing twice', async () => {
    const { client, server } = connect()
    server.answer = (request) => {
      server.reply(request, 'first')
      server.reply(request, 'second')
    }
    expect(await client.read('a')).toBe('first')
    expect(await client.read('b')).toBe('first')
  })

  it('a reply of another type is EPROTO for its request only', async () => {
    const { client, server } = connect()
    server.answer = (request) => server.reply(request, 'x', XenStoreOp.Write)
    await expect(client.read('a')).rejects.toMatchObject({ code: 'EPROTO', detail: { path: 'a' } })
    server.answer = (request) => server.reply(request, 'x')
    expect(await client.read('a')).toBe('x')
  })

  it('a list without its last NUL, or a permission that is none, is EPROTO', async () => {
    const { client, server } = connect()
    server.answer = (request) => server.reply(request, 'abc')
    await expect(client.directory('a')).rejects.toMatchObject({ code: 'EPROTO' })
    server.answer = (request) => server.reply(request, 'n0\0x5\0')
    await expect(client.getPermissions('a')).rejects.toMatchObject({ code: 'EPROTO' })
  })
})

it('rule 40: a path cannot smuggle a second argument in', async () => {
  const { client, server } = connect()
  for (const call of [client.read('a\0b'), client.write('a\0b', ''), client.watch('a\0b')])
    await expect(call).rejects.toMatchObject({ code: 'EINVAL' })
  expect(server.requests).toEqual([])
})

it('S1: what is beyond 4096 bytes is E2BIG here, and the connection lives', async () => {
  const { client, server } = connect()
  server.answer = (request) => server.reply(request)
  await expect(client.write('a', new Uint8Array(4095))).rejects.toMatchObject({ code: 'E2BIG', detail: { path: 'a' } })
  await client.write('a', new Uint8Array(4094))
  expect(server.last.body.length).toBe(4096)
})

describe('when the connection ends', () => {
  const endings: readonly (readonly [string, (client: XenStoreClient, server: ScriptedServer) => void])[] = [
    ['because the server closed it', (_, server) => server.channel.close()],
    ['because the client closed it', (client) => client.close()],
    [
      'S1: because a header announced more than 4096 bytes',
      (_, server) => {
        const bytes = encodeMessage({ type: 2, reqId: 1, txId: 0, body: new Uint8Array() })
        bytes.set([1, 16, 0, 0], 12)
        server.channel.send(bytes)
      },
    ],
  ]
  for (const [name, end] of endings)
    it(`${name}, what waits and what comes later is CLOSED`, async () => {
      const { client, server } = connect()
      const waiting = [client.read('a'), client.write('b', ''), client.transaction(async () => 1)]
      const outcomes = Promise.allSettled(waiting)
      await settle()
      end(client, server)
      for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: { code: 'CLOSED' } })
      await expect(client.read('a')).rejects.toMatchObject({ code: 'CLOSED', detail: { operation: 'read', path: 'a' } })
      expect(client.closed).toBe(true)
      client.close()
      await client[Symbol.asyncDispose]()
    })

  it('a reply that arrived before is still taken', async () => {
    const { client, server } = connect()
    server.answer = (request) => {
      server.reply(request, 'last words')
      server.channel.close()
    }
    expect(await client.read('a')).toBe('last words')
  })
})
