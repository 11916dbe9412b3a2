import {
  channelPair,
  type Message,
  packStrings,
  toBytes,
  unpackTexts,
  XenStoreClient,
  XenStoreOp,
} from '@split-driver/xenbus'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LISTING_MAX_BYTES, LISTING_RESTARTS } from '../../src/client/read-listing.js'
import { ScriptedServer } from './scripted-server.js'

const connect = (): { client: XenStoreClient; server: ScriptedServer } => {
  const [near, far] = channelPair(65536)
  const server = new ScriptedServer(far)
  server.answer = (request) => server.refuse(request, 'E2BIG')
  return { client: new XenStoreClient(near), server }
}

const offsetOf = ({ body }: Message): number => Number(unpackTexts(body)![1])

/** Answers parts as a server does, `partBytes` at a time. */
const serveParts = (
  server: ScriptedServer,
  names: () => readonly string[],
  generation: () => string,
  partBytes: number,
) => {
  server.answer = (request) => {
    if (request.type !== XenStoreOp.DirectoryPart) return server.refuse(request, 'E2BIG')
    const rest = packStrings(...names()).subarray(offsetOf(request))
    const whole = rest.length <= partBytes
    const cut = whole ? rest : rest.subarray(0, Math.max(rest.lastIndexOf(0, partBytes - 1), rest.indexOf(0)) + 1)
    server.reply(request, join(generation(), cut, whole))
  }
}

const join = (generation: string, names: Uint8Array, whole: boolean): Uint8Array => {
  const head = packStrings(generation)
  const body = new Uint8Array(head.length + names.length + (whole ? 1 : 0))
  body.set(head)
  body.set(names, head.length)
  return body
}

const name = fc.stringMatching(/^[a-zA-Z0-9_@-]{1,20}$/)

describe('rule 50: a listing beyond 4096 bytes', () => {
  it('is read in parts of any size, each from where the last one ended', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(name), fc.integer({ min: 21, max: 200 }), async (names, partBytes) => {
        const { client, server } = connect()
        serveParts(
          server,
          () => names,
          () => '17',
          partBytes,
        )
        expect(await client.directory('/local')).toEqual(names)
        expect(client.outstanding).toBe(0)
        const [first, ...parts] = server.requests
        expect(first!.type).toBe(XenStoreOp.Directory)
        expect(offsetOf(parts[0]!)).toBe(0)
        for (const part of parts) expect(unpackTexts(part.body)![0]).toBe('/local')
      }),
      { numRuns: 60 },
    )
  })

  it('begins again when the generation changes, and is that of one moment', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(12), { maxLength: 5 }), async (changes) => {
        const { client, server } = connect()
        let version = 0
        const names = (): string[] => Array.from({ length: 10 + version }, (_, i) => `v${version}-${i}`)
        serveParts(server, names, () => String(version), 30)
        const answer = server.answer!
        let asked = 0
        server.answer = (request) => {
          answer(request)
          if (changes.includes(asked++)) version++
        }
        const listed = await client.directory('/a')
        expect(new Set(listed.map((each) => each.split('-')[0])).size).toBe(1)
        expect(listed.length).toBe(10 + Number(listed[0]!.slice(1).split('-')[0]))
      }),
      { numRuns: 60 },
    )
  })

  it('in a transaction is read in the same one', async () => {
    const { client, server } = connect()
    serveParts(
      server,
      () => ['a', 'b'],
      () => '1',
      100,
    )
    const answer = server.answer!
    server.answer = (request) => {
      if (request.type === XenStoreOp.TransactionStart) server.reply(request, '9\0')
      else if (request.type === XenStoreOp.TransactionEnd) server.reply(request)
      else answer(request)
    }
    expect(await client.transaction((transaction) => transaction.directory('/a'))).toEqual(['a', 'b'])
    expect(server.requests.slice(1).map(({ txId }) => txId)).toEqual([9, 9, 9])
  })

  for (const code of ['ENOSYS', 'EINVAL'])
    it(`is E2BIG where the server knows no parts and says ${code}`, async () => {
      const { client, server } = connect()
      server.answer = (request) => server.refuse(request, request.type === XenStoreOp.Directory ? 'E2BIG' : code)
      await expect(client.directory('/a')).rejects.toMatchObject({
        code: 'E2BIG',
        detail: { operation: 'directory', path: '/a' },
      })
    })

  it('any other refusal of a part is passed on', async () => {
    const { client, server } = connect()
    server.answer = (request) => server.refuse(request, request.type === XenStoreOp.Directory ? 'E2BIG' : 'ENOENT')
    await expect(client.directory('/a')).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('S9: giant trees, and servers that make one up', () => {
  const serve = (body: (request: Message, asked: number) => string | Uint8Array) => {
    const { client, server } = connect()
    let asked = 0
    server.answer = (request) => {
      if (request.type === XenStoreOp.Directory) server.refuse(request, 'E2BIG')
      else server.reply(request, body(request, asked++))
    }
    return { client, server }
  }

  for (const [what, part] of [
    ['no generation', 'abc'],
    ['nothing after the generation', '1\0'],
    ['a name without its NUL', '1\0ab'],
    ['an empty name among others', '1\0a\0\0b\0\0'],
  ] as const)
    it(`a part with ${what} is EPROTO`, async () => {
      const { client } = serve(() => part)
      await expect(client.directory('/a')).rejects.toMatchObject({ code: 'EPROTO', detail: { path: '/a' } })
    })

  it('a listing without end is E2BIG, after a bounded number of bytes', async () => {
    const names = toBytes(`1\0${'x\0'.repeat(2000)}`)
    const { client, server } = serve(() => names)
    await expect(client.directory('/a')).rejects.toMatchObject({ code: 'E2BIG' })
    expect(server.requests.length).toBeLessThanOrEqual(LISTING_MAX_BYTES / 4000 + 3)
  })

  it('one that changes at every look is EAGAIN, after a bounded number of looks', async () => {
    const { client, server } = serve((_, asked) => `${asked}\0a\0`)
    await expect(client.directory('/a')).rejects.toMatchObject({ code: 'EAGAIN' })
    expect(server.requests.length).toBeLessThanOrEqual(2 * LISTING_RESTARTS + 3)
  })

  it('100,000 children are listed', async () => {
    const names = Array.from({ length: 100_000 }, (_, i) => `child-${i}`)
    const all = toBytes(names.map((each) => `${each}\0`).join(''))
    const { client } = serve((request) => {
      const rest = all.subarray(offsetOf(request))
      const whole = rest.length < 4000
      return join('5', whole ? rest : rest.subarray(0, rest.lastIndexOf(0, 4000) + 1), whole)
    })
    expect(await client.directory('/a')).toEqual(names)
  })
})
