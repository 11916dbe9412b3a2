import { BlkifFrontend, MemoryBlockStore } from '@split-driver/blkif'
import { XenbusState } from '@split-driver/xenbus'
import { expect, test } from 'vitest'
import { DiskHost } from './emulated-disk.js'

/** A disk in memory that has the size of `content` when it is asked to look. */
class GrowingStore extends MemoryBlockStore {
  override byteLength: number

  constructor(readonly content: { bytes: Uint8Array; visible: number }) {
    super(content.bytes)
    this.byteLength = content.visible
  }

  async refreshSize(): Promise<void> {
    if (this.content.visible < 512) throw new Error('the medium is gone')
    this.byteLength = this.content.visible
  }
}

const withDisk = async (
  body: (parts: {
    disk: BlkifFrontend
    content: { bytes: Uint8Array; visible: number }
    refresh: () => Promise<boolean>
    sizes: number[]
    host: DiskHost
  }) => Promise<void>,
) => {
  const content = { bytes: new Uint8Array(16 * 512), visible: 8 * 512 }
  const sizes: number[] = []
  await using host = await DiskHost.boot({ openStore: async () => host.track(new GrowingStore(content)) })
  const guest = await host.guest(content.bytes)
  await using disk = await BlkifFrontend.open(guest, 'xvda', { onResize: (sectors) => sizes.push(sectors) })
  await body({ disk, content, refresh: () => host.bus.devices[0]!.refreshSize(), sizes, host })
}

test('rule 30: a guest learns that its disk has grown, and uses what is new', () =>
  withDisk(async ({ disk, content, refresh, sizes, host }) => {
    expect(disk.sectorCount).toBe(8)
    await expect(disk.write(8, new Uint8Array(512).fill(1))).rejects.toThrow(RangeError)
    content.visible = 16 * 512
    expect(await refresh()).toBe(true)
    await expect.poll(() => sizes).toEqual([16])
    expect(disk.sectorCount).toBe(16)
    await disk.write(15, new Uint8Array(512).fill(7))
    expect(content.bytes[15 * 512]).toBe(7)
    const path = host.bus.devices[0]!.path
    expect(await host.host.dom0.xenstore.read(`${path}/sectors`)).toBe('16')
    expect(host.bus.devices[0]!.state).toBe(XenbusState.Connected)
  }))

test('rule 30: and that it has shrunk: what lies beyond is refused on both ends', () =>
  withDisk(async ({ disk, content, refresh, sizes }) => {
    await disk.read(4, new Uint8Array(512))
    content.visible = 4 * 512
    expect(await refresh()).toBe(true)
    // The guest has not looked yet.
    expect(disk.sectorCount).toBe(8)
    await expect(disk.read(4, new Uint8Array(512))).rejects.toThrow(/^EIO/)
    await expect.poll(() => sizes).toEqual([4])
    await expect(disk.read(4, new Uint8Array(512))).rejects.toThrow(RangeError)
  }))

test('nobody is told of a size that did not change, or could not be found out', () =>
  withDisk(async ({ disk, content, refresh, sizes, host }) => {
    expect(await refresh()).toBe(false)
    content.visible = 0
    await expect(refresh()).rejects.toThrow('the medium is gone')
    await host.idle()
    expect([sizes, disk.sectorCount]).toEqual([[], 8])
    await disk.read(0, new Uint8Array(512))
  }))
