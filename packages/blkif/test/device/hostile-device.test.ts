import { BlkifFrontend } from '@split-driver/blkif'
import { EmulatedHost } from '@split-driver/emulator'
import type { BackRing } from '@split-driver/ring'
import { type KeysToWrite, XenbusState } from '@split-driver/xenbus'
import { XenstoreServer } from '@split-driver/xenstored'
import { describe, expect, test } from 'vitest'
import { patternDisk } from '../fakes/engine-bench.js'
import { DiskHost } from './emulated-disk.js'
import { RawVbd } from './raw-vbd.js'
import { ScriptedBackend } from './scripted-backend.js'

describe('R2: a frontend whose producer is impossible', () => {
  test('loses its device, with an error node; nothing is left open, other guests go on', async () => {
    await using world = await DiskHost.boot()
    const bystander = await world.guest(patternDisk(64))
    await using disk = await BlkifFrontend.open(bystander, 'xvda')
    const guest = await world.guest(patternDisk(64))
    const raw = await new RawVbd(guest, 'device/vbd/51712', (refs, port) => ({
      'ring-ref': refs[0]!,
      'event-channel': port,
    })).open()
    raw.pages.memory.storeOrdered(0, 0x8000_0000 | 0)
    guest.events.notify(raw.port)
    expect(await world.backendError(guest)).toContain('RING_PROD_OVERFLOW')
    await disk.read(0, new Uint8Array(512))
    await raw.close()
    expect(world.errors.length).toBe(1)
    // What is still mapped is the bystander's: its ring, and the page of its read, which stays so (rule 22).
    expect(world.host.machine.ledger().filter(({ domid, kind }) => domid === 0 && kind === 'mapping').length).toBe(2)
  })
})

const lyingHost = async (lie: (ring: BackRing) => void, keys: KeysToWrite = { sectors: 64 }) => {
  const host = await EmulatedHost.boot({ memoryMiB: 32, xenstored: (dom0) => new XenstoreServer(dom0) })
  const guest = await host.createGuest({ name: 'guest', memoryPages: 2048 })
  await host.toolstack.attachDevice(guest, { type: 'vbd', id: 51712 })
  const backend = new ScriptedBackend(host.dom0, `backend/vbd/${guest.domid}/51712`, keys, lie)
  void backend.open()
  return { host, guest, backend }
}

describe('R4: a backend that breaks the protocol', () => {
  const LIES: readonly (readonly [string, string, (ring: BackRing) => void])[] = [
    ['claims too many responses', 'RING_PROD_OVERFLOW', (ring) => ring.memory.storeOrdered(2, 1000)],
    [
      'answers what nobody asked',
      'RING_BAD_RESPONSE',
      (ring) => {
        if (ring.unconsumedRequests() === 0) return
        ring.consumeRequest()
        ring.putResponse(Int32Array.of(31, 5, 0), 0, 3)
        ring.pushResponses()
      },
    ],
  ]
  test.each(LIES)(
    '%s: every call is rejected with %s, the device closes and gives all pages back',
    async (_, code, lie) => {
      const { host, guest, backend } = await lyingHost(lie)
      const disk = await BlkifFrontend.open(guest, 'xvda')
      const errors: Error[] = []
      disk.on('error', (error) => errors.push(error))
      const closed = new Promise((resolve) => disk.once('closed', resolve))
      const calls = await Promise.allSettled(Array.from({ length: 40 }, (_, i) => disk.read(i, new Uint8Array(512))))
      expect(calls.map((call) => call.status === 'rejected' && call.reason.code)).toEqual(Array(40).fill(code))
      await closed
      expect(disk.state).toBe(XenbusState.Closed)
      expect(errors).toMatchObject([{ code }])
      await backend.close()
      guest.sharer.reclaim()
      expect(host.machine.ledger()).toEqual([])
      await host[Symbol.asyncDispose]()
    },
  )

  const JUNK: readonly (readonly [string, KeysToWrite])[] = [
    ['sectors', {}],
    ['sectors', { sectors: '-1' }],
    ['sectors', { sectors: '18446744073709551616' }],
    ['sector-size', { sectors: 64, 'sector-size': '0' }],
    ['sector-size', { sectors: 64, 'sector-size': '513' }],
    ['sector-size', { sectors: 64, 'sector-size': '65536' }],
    ['sectors', { sectors: 63, 'sector-size': '4096' }],
    ['physical-sector-size', { sectors: 64, 'physical-sector-size': '700' }],
    ['feature-flush-cache', { sectors: 64, 'feature-flush-cache': 'yes' }],
    ['info', { sectors: 64, info: 'x' }],
  ]
  test.each(JUNK)('B6: %s in %j is BAD_KEY', async (key, keys) => {
    const { host, guest, backend } = await lyingHost(() => undefined, keys)
    await expect(BlkifFrontend.open(guest, 'xvda')).rejects.toMatchObject({
      code: Object.keys(keys).length === 0 ? 'ENOENT' : 'BAD_KEY',
      message: expect.stringContaining(key),
    })
    await backend.close()
    await host[Symbol.asyncDispose]()
  })
})
