import type { GrantRef, Port } from '@split-driver/abi'
import { BlkifFrontend } from '@split-driver/blkif'
import type { KeysToWrite } from '@split-driver/xenbus'
import { describe, expect, test } from 'vitest'
import { patternDisk } from '../fakes/engine-bench.js'
import { DiskHost, XVDA } from './emulated-disk.js'
import { RawVbd } from './raw-vbd.js'

type Keys = (refs: readonly GrantRef[], port: Port) => KeysToWrite

const good: Keys = (refs, port) => ({ 'ring-ref': refs[0]!, 'event-channel': port, protocol: 'x86_64-abi' })
const refs = (all: readonly GrantRef[], count: number) =>
  Object.fromEntries(all.slice(0, count).map((ref, page) => [`ring-ref${page}`, ref]))

describe('rules 13, 24, 25: what frontends of all kinds publish is understood', () => {
  const KEYS: readonly (readonly [string, Keys])[] = [
    ['ring-ref', good],
    ['no protocol: native', (r, port) => ({ 'ring-ref': r[0]!, 'event-channel': port })],
    ['ring-page-order 0 with ring-ref', (r, port) => ({ ...good(r, port), 'ring-page-order': 0 })],
    ['ring-page-order 0 with ring-ref0', (r, port) => ({ ...refs(r, 1), 'ring-page-order': 0, 'event-channel': port })],
    ['ring-page-order 2', (r, port) => ({ ...refs(r, 4), 'ring-page-order': 2, 'event-channel': port })],
    ['num-ring-pages 2', (r, port) => ({ ...refs(r, 2), 'num-ring-pages': 2, 'event-channel': port })],
    ['both forms', (r, port) => ({ ...refs(r, 4), 'num-ring-pages': 4, 'ring-page-order': 2, 'event-channel': port })],
  ]
  test.each(KEYS)('%s', async (_, keys) => {
    await using world = await DiskHost.boot()
    const guest = await world.guest(patternDisk(64))
    await using device = await new RawVbd(guest, 'device/vbd/51712', keys).open()
    expect(device.state).toBe(4)
  })
})

describe('B6: a key that makes no sense fails this device alone, with a clear error node', () => {
  const JUNK = ['', '-1', '4294967296', '1e9', '0x8', ' 8', '8 ', 'junk', '1.5', '٣']
  const without = (key: string, keys: KeysToWrite): KeysToWrite => ({ ...keys, [key]: undefined })
  const BAD: readonly (readonly [string, string, Keys])[] = [
    ...JUNK.map(
      (junk) => ['ring-ref', junk, (r: readonly GrantRef[], p: Port) => ({ ...good(r, p), 'ring-ref': junk })] as const,
    ),
    ...[...JUNK, '0', '131072'].map(
      (junk) =>
        [
          'event-channel',
          junk,
          (r: readonly GrantRef[], p: Port) => ({ ...good(r, p), 'event-channel': junk }),
        ] as const,
    ),
    ...[...JUNK, '5', '31'].map(
      (junk) =>
        [
          'ring-page-order',
          junk,
          (r: readonly GrantRef[], p: Port) => ({ ...good(r, p), 'ring-page-order': junk }),
        ] as const,
    ),
    ...[...JUNK, '0', '3', '32'].map(
      (junk) =>
        [
          'num-ring-pages',
          junk,
          (r: readonly GrantRef[], p: Port) => ({ ...refs(r, 4), ...good(r, p), 'num-ring-pages': junk }),
        ] as const,
    ),
    ...['', 'x86_64', 'ia64-abi'].map(
      (junk) => ['protocol', junk, (r: readonly GrantRef[], p: Port) => ({ ...good(r, p), protocol: junk })] as const,
    ),
    ['ring-ref', 'absent', (r, p) => without('ring-ref', good(r, p))],
    ['event-channel', 'absent', (r, p) => without('event-channel', good(r, p))],
    ['ring-ref3', 'absent', (r, p) => ({ ...refs(r, 3), 'ring-page-order': 2, 'event-channel': p })],
    [
      'num-ring-pages',
      'contradicts',
      (r, p) => ({ ...refs(r, 4), 'num-ring-pages': 2, 'ring-page-order': 2, 'event-channel': p }),
    ],
  ]
  test('every bad key, one guest after the other, while another guest works', async () => {
    await using world = await DiskHost.boot()
    const bystander = await world.guest(patternDisk(64))
    await using disk = await BlkifFrontend.open(bystander, 'xvda')
    const guest = await world.guest()
    for (const [i, [key, value, keys]] of BAD.entries()) {
      const id = XVDA + 16 * i
      const device = await world.attach(guest, patternDisk(64), { id })
      const frontend = new RawVbd(guest, `device/vbd/${id}`, keys)
      const closed = new Promise((resolve) => frontend.once('closed', resolve))
      void frontend.open()
      expect(await world.backendError(guest, id), `${key}: ${value}`).toContain(key)
      await disk.read(i % 64, new Uint8Array(512))
      await frontend.close({ signal: AbortSignal.abort() })
      await closed
      await device.remove()
    }
    // The other guest's: its ring, and the page of its reads, which stays mapped (rule 22).
    expect(world.host.machine.ledger().filter(({ domid, kind }) => domid === 0 && kind === 'mapping').length).toBe(2)
  })
})

describe('G1: a ring or port that is not ours to use', () => {
  const BAD: readonly (readonly [string, Keys])[] = [
    ['a reference that is not granted', (r, p) => ({ ...good(r, p), 'ring-ref': 4000 })],
    ['a reference beyond the table', (r, p) => ({ ...good(r, p), 'ring-ref': 4294967295 })],
    [
      'one bad reference of four',
      (r, p) => ({ ...refs(r, 4), 'ring-ref2': 4000, 'ring-page-order': 2, 'event-channel': p }),
    ],
    ['a port that is not unbound for us', (r) => ({ ...good(r, 1 as Port) })],
    ['a port that does not exist', (r) => ({ ...good(r, 4000 as Port) })],
  ]
  test.each(BAD)('%s: the device fails, nothing is left mapped', async (_, keys) => {
    await using world = await DiskHost.boot()
    const guest = await world.guest(patternDisk(64))
    const frontend = new RawVbd(guest, 'device/vbd/51712', keys)
    void frontend.open()
    await world.backendError(guest)
    expect(world.host.machine.ledger().filter(({ domid }) => domid === 0)).toEqual([])
    await frontend.close({ signal: AbortSignal.abort() })
  })
})
