import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import { NbdBlockStore, type NbdBlockStoreOptions } from '@split-driver/blkif/node'
import { blockStoreSuite } from '@split-driver/conformance'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ALL_FLAGS, FakeNbdServer, optionReply, type ServerSide } from '../fakes/nbd-server.js'

let folder: string
let sockets = 0
const servers = new Set<Server>()
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nbd-'))
})
afterEach(() => {
  for (const server of servers) server.close()
  servers.clear()
})
afterAll(() => rm(folder, { recursive: true }))

const KEY = Buffer.from('0123456789abcdef')
const tls = {
  pskCallback: () => ({ psk: KEY, identity: 'guest' }),
  ciphers: 'PSK',
  maxVersion: 'TLSv1.2',
  checkServerIdentity: () => undefined,
} as const

/** Serves over sockets of Node's, encrypted once a client has asked for it. */
const listen = async (
  fake: FakeNbdServer,
  place: { path: string } | { port: number; host: string },
): Promise<Server> => {
  const server = createServer((socket) => {
    let carrier: Socket = socket
    const take = fake.accept(
      (bytes) => carrier.write(bytes),
      () => carrier.destroy(),
    )
    socket.on('data', take).on('error', () => undefined)
    upgrades.set([...fake.sides].at(-1)!, () => {
      socket.removeAllListeners('data')
      carrier = new TLSSocket(socket, {
        isServer: true,
        pskCallback: () => KEY,
        ciphers: 'PSK',
        maxVersion: 'TLSv1.2',
      } as object)
      carrier.on('data', take).on('error', () => undefined)
    })
  })
  servers.add(server)
  server.listen(place)
  await once(server, 'listening')
  return server
}

const upgrades = new WeakMap<ServerSide, () => void>()

const startTls = (option: number, _data: Buffer, side: ServerSide): boolean => {
  if (option !== 5) return false
  side.send(optionReply(5, 1))
  upgrades.get(side)!()
  return true
}

type Kind = 'TCP' | 'a Unix socket' | 'TLS'

const serve = async (fake: FakeNbdServer, kind: Kind): Promise<string> => {
  if (kind === 'a Unix socket') {
    const path = join(folder, `${sockets++}.sock`)
    await listen(fake, { path })
    return `nbd+unix:///?socket=${path}`
  }
  if (kind === 'TLS') fake.onOption = startTls
  const server = await listen(fake, { port: 0, host: '127.0.0.1' })
  return `${kind === 'TLS' ? 'nbds' : 'nbd'}://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const open = (uri: string, options: NbdBlockStoreOptions = {}) => NbdBlockStore.open(uri, { tls, ...options })

describe.each<Kind>(['TCP', 'a Unix socket', 'TLS'])('NbdBlockStore over %s', (kind) => {
  blockStoreSuite({
    test,
    notRun: (name, reason) => test.todo(`${name}: not run, ${reason}`),
    offers: ['discard', 'writeZeroes'],
    factory: async (content, { sectorBytes, readOnly }) => {
      const fake = new FakeNbdServer(content)
      fake.exports[''] = { flags: ALL_FLAGS }
      return open(await serve(fake, kind), { sectorBytes, readOnly })
    },
  })

  test('moves megabytes, into and out of shared memory', async () => {
    const fake = new FakeNbdServer(new Uint8Array(2 ** 22))
    await using disk = await open(await serve(fake, kind))
    const source = new Uint8Array(new SharedArrayBuffer(2 ** 22))
    for (let i = 0; i < source.length; i += 97) source[i] = i >> 12
    const views = [source.subarray(0, 4096), source.subarray(4096, 3 * 2 ** 20), source.subarray(3 * 2 ** 20)]
    await disk.write(0, views)
    expect(Buffer.compare(fake.bytes, Buffer.from(source))).toBe(0)
    const target = new Uint8Array(new SharedArrayBuffer(2 ** 22))
    await disk.read(0, [
      target.subarray(0, 2 ** 20),
      target.subarray(2 ** 20, 2 ** 20 + 512),
      target.subarray(2 ** 20 + 512),
    ])
    expect(Buffer.compare(Buffer.from(target), Buffer.from(source))).toBe(0)
  })

  test('goes on after its server has restarted', async () => {
    const fake = new FakeNbdServer(new Uint8Array(8192))
    await using disk = await open(await serve(fake, kind), { random: () => 0 })
    await disk.write(512, [new Uint8Array(512).fill(9)])
    fake.crash()
    const target = new Uint8Array(512)
    await disk.read(512, [target])
    expect(target[511]).toBe(9)
  })
})

describe('NbdBlockStore.open says what is wrong', () => {
  test('with a server that is not there', async () => {
    const server = await listen(new FakeNbdServer(new Uint8Array(512)), { port: 0, host: '127.0.0.1' })
    const { port } = server.address() as AddressInfo
    server.close()
    await expect(open(`nbd://127.0.0.1:${port}`)).rejects.toMatchObject({
      code: 'EIO',
      message: expect.stringContaining(`no NBD server can be reached at 127.0.0.1 port ${port}`),
    })
    const path = join(folder, 'none.sock')
    await expect(open(`nbd+unix:///?socket=${path}`)).rejects.toMatchObject({
      code: 'ENOENT',
      message: expect.stringContaining(path),
    })
  })

  test('with the wrong key, and stays unencrypted for nobody', async () => {
    const fake = new FakeNbdServer(new Uint8Array(512))
    const uri = await serve(fake, 'TLS')
    const wrong = { ...tls, pskCallback: () => ({ psk: Buffer.from('fedcba9876543210'), identity: 'guest' }) }
    await expect(open(uri, { tls: wrong })).rejects.toMatchObject({
      code: 'EACCES',
      message: expect.stringContaining('TLS with the NBD server failed'),
    })
    expect(fake.options).toEqual([5])
  })

  test('with a URI that is none', async () => {
    await expect(open('/dev/sda')).rejects.toMatchObject({ code: 'EINVAL' })
  })
})
