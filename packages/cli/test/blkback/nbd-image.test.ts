import { writeFileSync } from 'node:fs'
import { BlkifFrontend } from '@split-driver/blkif'
import { readBlkbackConfig, runBlkback } from '@split-driver/cli'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { EmulatedMachine } from '../support/emulated-machine.js'
import { LogList } from '../support/log-list.js'
import { NbdServer } from '../support/nbd-server.js'
import { ScratchFolder } from '../support/scratch-folder.js'

let folder: ScratchFolder
beforeEach(() => {
  folder = new ScratchFolder()
})
afterEach(() => folder[Symbol.dispose]())

const config = (nbd: string, options: object = {}) => {
  writeFileSync(folder.file('blkback.json'), JSON.stringify({ images: { a: { nbd, ...options } } }))
  return readBlkbackConfig(folder.file('blkback.json'))
}

test("an image on an NBD server is a guest's disk, and goes on when its server was away", async () => {
  await using server = await NbdServer.listen(folder.file('nbd.sock'), Buffer.alloc(1 << 20))
  const log = new LogList()
  await using machine = await EmulatedMachine.boot()
  await using _daemon = await runBlkback(machine.host.dom0, await config(server.uri), { log })
  const guest = await machine.guest()
  await machine.attachDisk(guest, { params: 'a', name: 'xvda' })
  const disk = await BlkifFrontend.open(guest, 'xvda')
  const written = new Uint8Array(65_536).map((_, i) => i * 7 + (i >>> 9))
  await disk.write(8, written)
  await disk.flush()
  expect(Buffer.compare(server.bytes.subarray(4096, 4096 + 65_536), written)).toBe(0)

  server.hangUp()
  const read = new Uint8Array(65_536)
  await disk.read(8, read)
  expect(Buffer.compare(read, written)).toBe(0)
  await disk.close()
  expect(log.of('connect')).toMatchObject([{ image: server.uri, bytes: 1 << 20, readOnly: false }])
  expect(log.of('image-away').map(({ level, device }) => `${level} ${device}`)).toEqual(['warn xvda'])
  expect(log.of('image-back').map(({ level, device }) => `${level} ${device}`)).toEqual(['info xvda'])
})

test('a server that is not there fails the device, and says where it should be', async () => {
  const log = new LogList()
  await using machine = await EmulatedMachine.boot()
  const missing = folder.file('none.sock')
  await using _daemon = await runBlkback(machine.host.dom0, await config(`nbd+unix:///?socket=${missing}`), { log })
  const guest = await machine.guest()
  await machine.attachDisk(guest, { params: 'a', name: 'xvda' })
  await expect(BlkifFrontend.open(guest, 'xvda')).rejects.toThrow()
  expect(log.of('device-error')).toMatchObject([{ code: 'ENOENT', device: 'xvda' }])
})
