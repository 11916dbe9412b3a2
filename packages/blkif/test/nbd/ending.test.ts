import { expect, test } from 'vitest'
import { nbdDiskBench, outcome, sector, settle } from '../fakes/nbd-disk-bench.js'

const HOUR = 3_600_000

test('a server that shuts down is left politely, and its requests go to the next one', async () => {
  await using bench = await nbdDiskBench()
  const { server, disk } = bench
  server.onRequest = (request, side) => {
    server.onRequest = undefined
    server.reply(request, side, 108)
    return true
  }
  await disk.write(512, [sector(2)])
  expect([server.bytes[512], server.disconnects, server.dials]).toEqual([2, 1, 2])
})

test('a server that answers nothing is given up after the time that was set, but not while nothing is asked', async () => {
  await using bench = await nbdDiskBench({ silenceMs: 1000 })
  const { server, disk, clock } = bench
  await disk.read(0, [sector(0)])
  clock.advance(HOUR)
  expect([server.dials, clock.timers]).toEqual([1, 0])
  server.onRequest = () => true
  const read = disk.read(512, [sector(0)])
  await settle()
  server.onRequest = undefined
  clock.advance(999)
  await settle()
  expect(server.dials).toBe(1)
  clock.advance(1)
  await read
  expect(bench.lost).toEqual(['EIO: the NBD server has answered nothing for 1000 ms', 'back'])
})

test('a disk that is disposed fails what waits with CLOSED, leaves no timer, and connects no more', async () => {
  const bench = await nbdDiskBench()
  const { server, disk, clock } = bench
  server.away = true
  server.crash()
  await settle()
  const read = outcome(disk.read(0, [sector(0)]))
  await disk[Symbol.asyncDispose]()
  await settle()
  expect([read.value, clock.timers, server.dials]).toEqual(['CLOSED: the NBD disk was closed', 0, 2])
  await expect(disk.read(0, [sector(0)])).rejects.toMatchObject({ code: 'CLOSED' })
})

test('a disk at rest is left politely, one at work is hung up on', async () => {
  for (const [held, disconnects] of [
    [false, 1],
    [true, 0],
  ] as const) {
    const { server, disk } = await nbdDiskBench()
    server.onRequest = () => held
    const read = outcome(disk.read(0, [sector(0)]))
    await settle()
    await disk[Symbol.asyncDispose]()
    await settle()
    expect([read.value, server.disconnects, server.sides.size]).toEqual([
      held ? 'CLOSED: the NBD disk was closed' : 'done',
      disconnects,
      0,
    ])
  }
})
