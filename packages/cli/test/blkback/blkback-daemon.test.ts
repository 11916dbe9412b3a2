import { once } from 'node:events'
import { constants, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { BlkifFrontend } from '@split-driver/blkif'
import { type BlkbackConfig, readBlkbackConfig, runBlkback } from '@split-driver/cli'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EmulatedMachine } from '../support/emulated-machine.js'
import { LogList } from '../support/log-list.js'
import { ScratchFolder } from '../support/scratch-folder.js'

const DISK_BYTES = 1 << 20

let folder: ScratchFolder
beforeEach(() => {
  folder = new ScratchFolder()
})
afterEach(() => folder[Symbol.dispose]())

/** Bytes that differ from sector to sector. */
const pattern = (seed: number): Buffer =>
  Buffer.from(new Uint8Array(DISK_BYTES).map((_, i) => i * 7 + (i >>> 9) * 13 + seed))

const image = (name: string, content: Uint8Array = pattern(0)): string => {
  writeFileSync(folder.file(name), content)
  return folder.file(name)
}

const config = (text: object): Promise<BlkbackConfig> => {
  writeFileSync(folder.file('blkback.json'), JSON.stringify(text))
  return readBlkbackConfig(folder.file('blkback.json'))
}

describe('runBlkback', () => {
  test('serves three disks to a guest from files that the configuration names; nothing stays open', async () => {
    const contents = [1, 2, 3].map(pattern)
    contents.forEach((content, i) => void image(`${i}.img`, content))
    const log = new LogList()
    await using machine = await EmulatedMachine.boot()
    const images = { a: { file: '0.img' }, b: { file: '1.img', sectorBytes: 4096 }, c: { file: folder.file('2.img') } }
    await using daemon = await runBlkback(machine.host.dom0, await config({ images }), { log })
    const guest = await machine.guest()
    for (const [params, name] of [
      ['a', 'xvda'],
      ['b', 'xvdb'],
      ['c', 'xvdc'],
    ] as const)
      await machine.attachDisk(guest, { params, name })
    const disks = await Promise.all(['xvda', 'xvdb', 'xvdc'].map((name) => BlkifFrontend.open(guest, name)))
    expect(disks.map(({ sectorBytes }) => sectorBytes)).toEqual([512, 4096, 512])

    await Promise.all(disks.map((disk, i) => disk.write(i * 64, new Uint8Array(65_536).fill(0x40 + i))))
    await Promise.all(disks.map((disk) => disk.flush()))
    for (const [i, content] of contents.entries()) content.fill(0x40 + i, i * 64 * 512, i * 64 * 512 + 65_536)
    for (const [i, disk] of disks.entries()) {
      const all = new Uint8Array(DISK_BYTES)
      await disk.read(0, all)
      expect(contents[i]!.equals(all)).toBe(true)
      expect(contents[i]!.equals(readFileSync(folder.file(`${i}.img`)))).toBe(true)
      await disk.close()
    }
    expect(folder.openFiles().length).toBeLessThanOrEqual(3)
    await daemon.close()
    expect(folder.openFiles()).toEqual([])
    const told = log.of('connect').map(({ level, domid, device }) => `${level} ${domid} ${device}`)
    expect(told.sort()).toEqual(['info 1 xvda', 'info 1 xvdb', 'info 1 xvdc'])
    expect(log.of('disconnect')).toHaveLength(3)
  })

  test('a kind of its own keeps away from other backends, and other backends from it', async () => {
    image('a.img')
    await using machine = await EmulatedMachine.boot()
    await using daemon = await runBlkback(
      machine.host.dom0,
      await config({ kind: 'sdblk', images: { a: { file: 'a.img' } } }),
    )
    const guest = await machine.guest()
    await machine.attachDisk(guest, { params: 'a', name: 'xvdb' })
    await machine.host.toolstack.attachDevice(guest, {
      type: 'sdblk',
      id: 51712,
      backendKeys: { mode: 'w', params: 'a' },
    })
    await using disk = await BlkifFrontend.open(guest, 'device/sdblk/51712')
    expect(disk.sectorCount).toBe(DISK_BYTES / 512)
    expect(daemon.devices.map(({ path }) => path)).toEqual([`backend/sdblk/${guest.domid}/51712`])
  })
})

describe('a read-only disk', () => {
  test.each([
    ['by the configuration', { readOnly: true }, 'w'],
    ['by mode in XenStore', {}, 'r'],
  ])('%s refuses writes, and its file is opened for reading only', async (_, options, mode) => {
    const content = pattern(5)
    image('a.img', content)
    await using machine = await EmulatedMachine.boot()
    await using _daemon = await runBlkback(
      machine.host.dom0,
      await config({ images: { a: { file: 'a.img', ...options } } }),
    )
    const guest = await machine.guest()
    await machine.attachDisk(guest, { params: 'a', mode })
    await using disk = await BlkifFrontend.open(guest, 'xvda')
    expect(disk.readOnly).toBe(true)
    await expect(disk.write(0, new Uint8Array(512))).rejects.toThrow(/EROFS|read-only/)
    expect(content.equals(readFileSync(folder.file('a.img')))).toBe(true)
    expect(folder.openFlags('a.img') & (constants.O_WRONLY | constants.O_RDWR)).toBe(0)
  })
})

describe('what may not be given', () => {
  const secrets = (): void => {
    mkdirSync(folder.file('allowed'))
    mkdirSync(folder.file('allowed-not'))
    image('allowed-not/secret.img')
    image('secret.img')
    symlinkSync('../secret.img', folder.file('allowed/link.img'))
    symlinkSync('../allowed-not', folder.file('allowed/way'))
    image('allowed/fine.img')
    symlinkSync('fine.img', folder.file('allowed/also-fine.img'))
  }

  test.each([
    ['allowed/../secret.img', /secret.img", which lies in no folder/],
    ['allowed/link.img', /secret.img", which lies in no folder/],
    ['allowed/way/secret.img', /allowed-not\/secret.img", which lies in no folder/],
    ['allowed-not/secret.img', /lies in no folder/],
    ['allowed', /lies in no folder/],
    ['allowed/none.img', /none.img.* cannot be reached: ENOENT/],
  ])('is refused with an error node, and the daemon goes on: %s', async (path, message) => {
    secrets()
    const log = new LogList()
    await using machine = await EmulatedMachine.boot()
    const folders = [{ path: 'allowed' }]
    await using _daemon = await runBlkback(machine.host.dom0, await config({ folders }), { log })
    const guest = await machine.guest()
    await machine.attachDisk(guest, { params: `${folder.path}/${path}` })
    expect(await machine.backendError(guest)).toMatch(message)
    expect(log.of('device-error')).toMatchObject([{ domid: guest.domid, device: 'xvda', level: 'warn' }])

    await machine.attachDisk(guest, { params: folder.file('allowed/also-fine.img'), name: 'xvdb' })
    await using disk = await BlkifFrontend.open(guest, 'xvdb')
    expect(disk.sectorCount).toBe(DISK_BYTES / 512)
  })

  test.each(['', 'b', 'secret.img', './a', '__proto__', 'a\n'])(
    'is a name that is not configured: %j',
    async (params) => {
      image('a.img')
      await using machine = await EmulatedMachine.boot()
      await using _daemon = await runBlkback(machine.host.dom0, await config({ images: { a: { file: 'a.img' } } }))
      const guest = await machine.guest()
      await machine.attachDisk(guest, { params })
      expect(await machine.backendError(guest)).toContain('the configuration has no image called')
      expect(folder.openFiles()).toEqual([])
    },
  )
})

test('of nested folders, the innermost says how the image is given', async () => {
  mkdirSync(folder.file('outer/inner'), { recursive: true })
  image('outer/inner/a.img')
  await using machine = await EmulatedMachine.boot()
  const folders = [{ path: 'outer/inner', readOnly: true }, { path: 'outer' }]
  await using _daemon = await runBlkback(machine.host.dom0, await config({ folders }))
  const guest = await machine.guest()
  await machine.attachDisk(guest, { params: folder.file('outer/inner/a.img') })
  await using disk = await BlkifFrontend.open(guest, 'xvda')
  expect(disk.readOnly).toBe(true)
})

test.each([false, true])(
  'a guest destroyed in the middle of I/O leaves nothing open; asynchronous: %s',
  async (asynchronous) => {
    image('a.img')
    image('b.img')
    const log = new LogList()
    await using machine = await EmulatedMachine.boot()
    const images = { a: { file: 'a.img', asynchronous }, b: { file: 'b.img' } }
    await using daemon = await runBlkback(machine.host.dom0, await config({ images }), { log })
    const [victim, other] = [await machine.guest(), await machine.guest()]
    await machine.attachDisk(victim, { params: 'a' })
    await machine.attachDisk(other, { params: 'b' })
    const disk = await BlkifFrontend.open(victim, 'xvda')
    const survivor = await BlkifFrontend.open(other, 'xvda')
    const before = machine.ledger().filter((line) => !line.includes(`domain ${victim.domid}`))
    const device = daemon.devices.find(({ path }) => path.includes(`/${victim.domid}/`))!

    const underWay = Array.from({ length: 200 }, (_, i) => disk.write(i * 8, new Uint8Array(4096).fill(i)))
    for (const request of underWay) request.catch(() => undefined)
    await underWay[0]
    const closed = once(device, 'closed')
    await machine.host.toolstack.destroy(victim.domid)
    await closed
    await device.close()
    expect(machine.ledger()).toEqual(before)
    expect(folder.openFiles()).toEqual([folder.file('b.img')])
    expect(log.of('disconnect')).toMatchObject([{ domid: victim.domid, device: 'xvda' }])

    const sector = new Uint8Array(512)
    await survivor.read(9, sector)
    expect(
      pattern(0)
        .subarray(9 * 512, 10 * 512)
        .equals(sector),
    ).toBe(true)
    await survivor.close()
  },
)

test('closing the daemon in the middle of I/O lets what is under way end, then lets go of everything', async () => {
  image('a.img', Buffer.alloc(DISK_BYTES))
  await using machine = await EmulatedMachine.boot()
  const daemon = await runBlkback(
    machine.host.dom0,
    await config({ images: { a: { file: 'a.img', asynchronous: true } } }),
  )
  const guest = await machine.guest()
  await machine.attachDisk(guest, { params: 'a' })
  const disk = await BlkifFrontend.open(guest, 'xvda')
  const first = disk.write(0, new Uint8Array(45_056).fill(7))
  first.catch(() => undefined)
  await daemon.close()
  await daemon.close()
  expect(folder.openFiles()).toEqual([])
  expect(machine.ledger().filter((line) => line.includes('mapped by domain 0'))).toEqual([])
  await disk.close()
})

test('guests learn of images that have another size; what is no disk any more is told, and keeps its size', async () => {
  image('a.img', Buffer.alloc(DISK_BYTES))
  await using machine = await EmulatedMachine.boot()
  const log = new LogList()
  await using daemon = await runBlkback(machine.host.dom0, await config({ images: { a: { file: 'a.img' } } }), { log })
  const guest = await machine.guest()
  await machine.attachDisk(guest, { params: 'a' })
  await using disk = await BlkifFrontend.open(guest, 'xvda')
  const sectors = DISK_BYTES / 512
  truncateSync(folder.file('a.img'), DISK_BYTES + 4096)
  await daemon.refreshSizes()
  await expect.poll(() => disk.sectorCount).toBe(sectors + 8)
  await disk.write(sectors + 7, new Uint8Array(512))
  expect(log.of('resize')).toMatchObject([{ domid: guest.domid, device: 'xvda', bytes: DISK_BYTES + 4096 }])
  truncateSync(folder.file('a.img'), DISK_BYTES + 100)
  await daemon.refreshSizes()
  expect(log.of('io-error')).toMatchObject([{ domid: guest.domid, code: 'EINVAL' }])
  expect(disk.sectorCount).toBe(sectors + 8)
})

test('a new configuration holds for disks that are opened later, and cannot change the kind', async () => {
  image('a.img')
  image('b.img')
  await using machine = await EmulatedMachine.boot()
  const first = await config({ images: { a: { file: 'a.img' } } })
  await using daemon = await runBlkback(machine.host.dom0, first)
  const guest = await machine.guest()
  await machine.attachDisk(guest, { params: 'a' })
  await using disk = await BlkifFrontend.open(guest, 'xvda')

  daemon.reconfigure(await config({ images: { b: { file: 'b.img', readOnly: true } } }))
  await machine.attachDisk(guest, { params: 'b', name: 'xvdb' })
  await using other = await BlkifFrontend.open(guest, 'xvdb')
  expect([disk.readOnly, other.readOnly]).toEqual([false, true])
  await disk.write(0, new Uint8Array(512))
  const another = await config({ kind: 'other', images: { a: { file: 'a.img' } } })
  expect(() => daemon.reconfigure(another)).toThrow(/"kind" cannot change/)
})

test('the end of the connection to XenStore is told', async () => {
  image('a.img')
  await using machine = await EmulatedMachine.boot()
  await using daemon = await runBlkback(machine.host.dom0, await config({ images: { a: { file: 'a.img' } } }))
  machine.host.dom0.xenstore.close()
  expect((await daemon.lost).message).toMatch(/XenStore/)
})

test('a guest that comes and goes for ever cannot fill the log, nor keep another guest out of it', async () => {
  image('a.img')
  image('b.img')
  const log = new LogList()
  await using machine = await EmulatedMachine.boot()
  const images = { a: { file: 'a.img' }, b: { file: 'b.img' } }
  await using _daemon = await runBlkback(machine.host.dom0, await config({ images }), { log })
  const [restless, other] = [await machine.guest(), await machine.guest()]
  await machine.attachDisk(restless, { params: 'a' })
  for (let round = 0; round < 50; round++) await (await BlkifFrontend.open(restless, 'xvda')).close()
  const lines = log.entries.filter(({ domid }) => domid === restless.domid)
  expect(lines.length).toBeLessThanOrEqual(41)
  expect(lines.at(-1)).toMatchObject({ event: 'quiet', level: 'warn' })

  await machine.attachDisk(other, { params: 'b' })
  await using _disk = await BlkifFrontend.open(other, 'xvda')
  expect(log.of('connect').at(-1)).toMatchObject({ domid: other.domid })
})
