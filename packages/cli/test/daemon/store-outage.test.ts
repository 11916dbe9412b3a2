import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { BlkifFrontend } from '@split-driver/blkif'
import { type BlkbackDaemon, type ConsoledDaemon, readBlkbackConfig, runBlkback, runConsoled } from '@split-driver/cli'
import { ConsoleFrontend } from '@split-driver/console'
import { expect, test } from 'vitest'
import { LogList } from '../support/log-list.js'
import { ScratchFolder } from '../support/scratch-folder.js'
import { StoreOutage } from '../support/store-outage.js'

/** Another end than that of the daemon's own making. */
const unlessLost = (daemon: BlkbackDaemon | ConsoledDaemon) => {
  let lost: Error | undefined
  void daemon.lost.then((error) => {
    lost = error
  })
  return () => expect(lost).toBeUndefined()
}

test('blkback outlives a restart of xenstored: disks go on, and what came and went meanwhile is seen', async () => {
  using folder = new ScratchFolder()
  for (const name of ['a.img', 'b.img']) writeFileSync(folder.file(name), new Uint8Array(1 << 16))
  writeFileSync(folder.file('blkback.json'), JSON.stringify({ images: { a: { file: 'a.img' }, b: { file: 'b.img' } } }))
  await using outage = await StoreOutage.boot()
  const { machine } = outage
  const log = new LogList()
  await using daemon = await runBlkback(outage.dom0, await readBlkbackConfig(folder.file('blkback.json')), { log })
  const stillThere = unlessLost(daemon)
  const guest = await machine.guest()
  await machine.attachDisk(guest, { params: 'a', name: 'xvda' })
  await using disk = await BlkifFrontend.open(guest, 'xvda')
  const leaving = await machine.attachDisk(guest, { params: 'b', name: 'xvdb' })
  await using _other = await BlkifFrontend.open(guest, 'xvdb')

  outage.begin()
  const sector = new Uint8Array(512).fill(7)
  await disk.write(3, sector)
  const read = new Uint8Array(512)
  await disk.read(3, read)
  expect(Buffer.compare(read, sector)).toBe(0)
  await leaving.remove()
  await machine.attachDisk(guest, { params: 'b', name: 'xvdc' })
  const third = BlkifFrontend.open(guest, 'xvdc')
  stillThere()
  expect(daemon.devices).toHaveLength(2)
  outage.end()

  await using _third = await third
  await expect.poll(() => daemon.devices.map(({ path }) => path.split('/').at(-1))).toEqual(['51712', '51744'])
  await disk.write(4, sector)
  stillThere()
  expect(log.entries.filter(({ level }) => level === 'error')).toEqual([])
  expect([log.of('store-away').length, log.of('store-back').length]).toEqual([1, 1])
  expect(log.of('disconnect').map(({ device }) => device)).toEqual(['xvdb'])
})

test('consoled outlives a restart of xenstored: consoles go on, and a domain that came meanwhile is served', async () => {
  await using outage = await StoreOutage.boot()
  const { machine } = outage
  const log = new LogList()
  await using daemon = await runConsoled(outage.dom0, { log })
  const stillThere = unlessLost(daemon)
  const served = once(daemon, 'connect')
  const first = await machine.guest()
  await served
  outage.begin()
  const terminal = new ConsoleFrontend({ ...first.console, events: first.events })
  const writer = terminal.writable.getWriter()
  // More than the ring takes: somebody reads it.
  await writer.write(new Uint8Array(4096).fill(0x61))
  writer.releaseLock()
  await terminal.close()
  await machine.guest()
  stillThere()
  expect(log.of('connect')).toHaveLength(1)
  const next = once(daemon, 'connect')
  outage.end()
  await next
  stillThere()
  expect(log.entries.map(({ event }) => event)).toEqual(['connect', 'store-away', 'store-back', 'connect'])
})
