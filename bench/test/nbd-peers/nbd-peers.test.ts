import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NbdBlockStore, type NbdBlockStoreOptions } from '@split-driver/blkif/node'
import { blockStoreSuite, SeededRandom } from '@split-driver/conformance'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NbdPeer, type NbdService, nbdkitPart } from '../../src/nbd-peers/index.js'
import { describeWithNbdPeers, memory } from './peers-here.js'

const BYTES = 32768
const KEY = '0123456789abcdef0123456789abcdef'

const image = (home: string): string => join(home, 'disk.img')
const emptyImage = (bytes: number) => (home: string) => {
  writeFileSync(join(home, 'keys.psk'), `guest:${KEY}\n`)
  writeFileSync(image(home), new Uint8Array(bytes))
}

const file = (over: NbdService['over']): NbdService => ({
  program: 'nbdkit',
  over,
  args: (root, home) => [nbdkitPart(root, 'plugin', 'file'), image(home)],
})

const qemu = (over: NbdService['over']): NbdService => ({
  program: 'qemu-nbd',
  over,
  args: (_root, home) => ['--format=raw', '--discard=unmap', image(home)],
})

const encrypted = (service: NbdService): NbdService => ({
  ...service,
  args: (root, home) => ['--tls=require', `--tls-psk=${join(home, 'keys.psk')}`, ...service.args(root, home)],
})

const psk: NbdBlockStoreOptions = {
  tls: {
    pskCallback: () => ({ psk: Buffer.from(KEY, 'hex'), identity: 'guest' }),
    ciphers: 'PSK',
    maxVersion: 'TLSv1.2',
    checkServerIdentity: () => undefined,
  },
}

const notRun = (name: string, reason: string): void => test.todo(`${name}: not run, ${reason}`)

const SERVERS: readonly (readonly [string, NbdService, string, NbdBlockStoreOptions])[] = [
  ['nbdkit, memory, a Unix socket', memory(BYTES, 'a Unix socket'), 'nbd', {}],
  ['nbdkit, a file, TCP', file('TCP'), 'nbd', {}],
  ['nbdkit, memory, TLS', encrypted(memory(BYTES, 'TCP')), 'nbds', psk],
  ['qemu-nbd, a Unix socket', qemu('a Unix socket'), 'nbd', {}],
  ['qemu-nbd, TCP', qemu('TCP'), 'nbd', {}],
]

describeWithNbdPeers('NbdBlockStore', () => {
  describe.each(SERVERS)('over %s', (_name, service, scheme, options) => {
    let peer: NbdPeer
    beforeAll(async () => {
      peer = await NbdPeer.start(service, emptyImage(BYTES))
    }, 120_000)
    afterAll(() => peer[Symbol.asyncDispose]())

    blockStoreSuite({
      test,
      notRun,
      offers: ['discard', 'writeZeroes'],
      factory: async (content, request) => {
        const uri = `${scheme}${peer.place}`
        {
          await using disk = await NbdBlockStore.open(uri, options)
          await disk.write(0, [content])
          await disk.flush()
        }
        return NbdBlockStore.open(uri, { ...options, ...request })
      },
    })
  })

  test('an unknown export is ENOENT, with words of qemu-nbd', async () => {
    await using peer = await NbdPeer.start(qemu('TCP'), emptyImage(BYTES))
    await expect(NbdBlockStore.open(`nbd${peer.place}/nope`)).rejects.toMatchObject({
      code: 'ENOENT',
      message: expect.stringContaining('"nope": it has no such export'),
    })
  })

  test('a server that insists on TLS is EACCES without, and one that knows none is with', async () => {
    await using strict = await NbdPeer.start(encrypted(memory(BYTES, 'TCP')), emptyImage(BYTES))
    await expect(NbdBlockStore.open(`nbd${strict.place}`)).rejects.toMatchObject({ code: 'EACCES' })
    await using plain = await NbdPeer.start(memory(BYTES, 'TCP'))
    await expect(NbdBlockStore.open(`nbds${plain.place}`, psk)).rejects.toMatchObject({ code: 'EACCES' })
  })

  test('a read-only export says so', async () => {
    const service: NbdService = {
      ...qemu('a Unix socket'),
      args: (root, home) => ['--read-only', ...qemu('TCP').args(root, home)],
    }
    await using peer = await NbdPeer.start(service, emptyImage(BYTES))
    await using disk = await NbdBlockStore.open(`nbd${peer.place}`)
    expect([disk.readOnly, disk.discard, disk.writeZeroes]).toEqual([true, undefined, undefined])
  })

  test('errors of the medium fail their request alone', async () => {
    const service: NbdService = {
      ...memory(BYTES, 'a Unix socket'),
      args: (root, home) => [
        `--filter=${nbdkitPart(root, 'filter', 'error')}`,
        ...memory(BYTES, 'TCP').args(root, home),
        'error-pread=EIO',
        'error-pwrite=ENOSPC',
        'error-rate=100%',
        `error-file=${join(home, 'bad')}`,
      ],
    }
    await using peer = await NbdPeer.start(service)
    await using disk = await NbdBlockStore.open(`nbd${peer.place}`)
    writeFileSync(join(peer.home, 'bad'), '')
    await expect(disk.read(0, [new Uint8Array(512)])).rejects.toMatchObject({ code: 'EIO' })
    await expect(disk.write(0, [new Uint8Array(512)])).rejects.toMatchObject({ code: 'ENOSPC' })
    rmSync(join(peer.home, 'bad'))
    await disk.write(0, [new Uint8Array(512).fill(7)])
    const target = new Uint8Array(512)
    await disk.read(0, [target])
    expect(target[511]).toBe(7)
  })

  test('a server that dies with requests on their way is used again once it is back; none is lost', async () => {
    const service = { ...file('a Unix socket') }
    const slow: NbdService = {
      ...service,
      args: (root, home) => [
        `--filter=${nbdkitPart(root, 'filter', 'delay')}`,
        ...service.args(root, home),
        'wdelay=20ms',
      ],
    }
    await using peer = await NbdPeer.start(slow, emptyImage(2 ** 20))
    await using disk = await NbdBlockStore.open(`nbd${peer.place}`, { random: () => 0.1 })
    const model = new Uint8Array(2 ** 20)
    const random = new SeededRandom(1)
    for (let round = 0; round < 5; round++) {
      const writes = Array.from({ length: 64 }, (_, i) => {
        // No two at the same place, for their order would be anybody's guess.
        const position = (i * 32 + random.below(16)) * 512
        const bytes = new Uint8Array(512 * (1 + random.below(16))).fill(1 + random.below(255))
        model.set(bytes, position)
        return disk.write(position, [bytes])
      })
      await Promise.any(writes)
      await peer.restart()
      await Promise.all(writes)
    }
    await disk.flush()
    expect(Buffer.compare(readFileSync(image(peer.home)), model)).toBe(0)
    const all = new Uint8Array(2 ** 20)
    await disk.read(0, [all])
    expect(Buffer.compare(all, model)).toBe(0)
  }, 60_000)

  test('what a server without a disk of its own forgot, and no flush had covered, is there again', async () => {
    await using peer = await NbdPeer.start(memory(BYTES, 'TCP'))
    await using disk = await NbdBlockStore.open(`nbd${peer.place}`, { random: () => 0.1 })
    await disk.write(512, [new Uint8Array(1024).fill(1)])
    await disk.write(1024, [new Uint8Array(512).fill(2)])
    await peer.restart()
    const target = new Uint8Array(2048)
    await disk.read(0, [target])
    expect([0, 512, 1024, 1536].map((at) => target[at])).toEqual([0, 1, 2, 0])
  })
})
