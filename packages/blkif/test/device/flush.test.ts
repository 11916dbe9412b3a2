import { BlkifFrontend, BlkifOp } from '@split-driver/blkif'
import { EmulatedHost } from '@split-driver/emulator'
import type { KeysToWrite } from '@split-driver/xenbus'
import { XenstoreServer } from '@split-driver/xenstored'
import { describe, expect, test } from 'vitest'
import { ScriptedBackend } from './scripted-backend.js'

const { Read, Discard, FlushDiskcache, WriteBarrier } = BlkifOp
const GEOMETRY = { sectors: 64 }

/** A disk whose backend advertises `keys` and answers each operation with what `statuses` says, else okay. */
const withBackend = async (
  keys: KeysToWrite,
  statuses: Readonly<Record<number, number>>,
  body: (disk: BlkifFrontend, seen: readonly number[]) => Promise<void>,
) => {
  await using host = await EmulatedHost.boot({ memoryMiB: 32, xenstored: (dom0) => new XenstoreServer(dom0) })
  const guest = await host.createGuest({ name: 'guest' })
  await host.toolstack.attachDevice(guest, { type: 'vbd', id: 51712 })
  const backend = new ScriptedBackend(host.dom0, `backend/vbd/${guest.domid}/51712`, { ...GEOMETRY, ...keys }, statuses)
  void backend.open()
  const disk = await BlkifFrontend.open(guest, 'xvda')
  await body(disk, backend.seen)
  await disk.close()
  await backend.close()
  expect(host.machine.ledger()).toEqual([])
}

describe('rule 27: flush', () => {
  test('prefers feature-flush-cache', () =>
    withBackend({ 'feature-flush-cache': true, 'feature-barrier': true }, {}, async (disk, seen) => {
      await disk.flush()
      expect(seen).toEqual([FlushDiskcache])
    }))

  test('is an empty barrier where only barriers are offered', () =>
    withBackend({ 'feature-barrier': true }, {}, async (disk, seen) => {
      await disk.flush()
      expect(seen).toEqual([WriteBarrier])
    }))

  test('rule 24: has nothing to do where neither is advertised', () =>
    withBackend({}, {}, async (disk, seen) => {
      await disk.flush()
      expect(seen).toEqual([])
      expect(disk.features).toMatchObject({ flushCache: false, barrier: false })
    }))

  test.each([
    ['not supported', -2, 'EOPNOTSUPP'],
    ['an error, though it is empty', -1, 'EIO'],
  ])('answered with %s is turned off; the next one is a barrier, and after that there is none', (_, status, code) =>
    withBackend(
      { 'feature-flush-cache': true, 'feature-barrier': true },
      { [FlushDiskcache]: status, [WriteBarrier]: status },
      async (disk, seen) => {
        await expect(disk.flush()).rejects.toMatchObject({ code })
        expect(disk.features).toMatchObject({ flushCache: false, barrier: true })
        await expect(disk.flush()).rejects.toMatchObject({ code })
        await expect(disk.flush()).rejects.toMatchObject({ code: 'EOPNOTSUPP' })
        expect(seen).toEqual([FlushDiskcache, WriteBarrier])
      },
    ),
  )
})

test('rule 28: a frontend takes both answers to an operation that the backend does not know', async () => {
  for (const [status, code] of [
    [-1, 'EIO'],
    [-2, 'EOPNOTSUPP'],
  ] as const)
    await withBackend({}, { [Read]: status }, async (disk) => {
      await expect(disk.read(0, new Uint8Array(512))).rejects.toMatchObject({ code })
    })
})

describe('a discard that the backend offered', () => {
  test.each([
    ['not supported', -2, 'EOPNOTSUPP', undefined],
    ['an error', -1, 'EIO', { granularityBytes: 4096, alignmentBytes: 512, secure: false }],
  ])('and answers with %s', (_, status, code, left) =>
    withBackend(
      { 'feature-discard': true, 'discard-granularity': 4096, 'discard-alignment': 512 },
      { [Discard]: status },
      async (disk, seen) => {
        await expect(disk.discard(0, 8, { secure: true })).rejects.toMatchObject({ code: 'EOPNOTSUPP' })
        expect(seen).toEqual([])
        await expect(disk.discard(0, 8)).rejects.toMatchObject({ code })
        expect(seen).toEqual([Discard])
        expect(disk.features.discard).toEqual(left)
      },
    ),
  )
})
