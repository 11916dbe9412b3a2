import { describe, expect, test } from 'vitest'
import { nbdDiskBench, outcome, sector, settle } from '../fakes/nbd-disk-bench.js'
import { ALL_FLAGS, type SeenRequest, type ServerSide } from '../fakes/nbd-server.js'

const MIB = 2 ** 20

/** Answers nothing until it is told to. */
const holding = () => {
  const held: (() => void)[] = []
  return {
    held,
    hold:
      (server: { carryOut(request: SeenRequest, side: ServerSide): void }) =>
      (request: SeenRequest, side: ServerSide) =>
        held.push(() => server.carryOut(request, side)) > 0,
  }
}

const kinds = (seen: readonly SeenRequest[]) =>
  seen.map(({ command, position, byteLength }) => [command, position, byteLength])

describe('what goes to an NBD server', () => {
  test('each operation is one request, and its answer ends it', async () => {
    await using bench = await nbdDiskBench()
    const { disk, server } = bench
    await disk.read(512, [sector(0)])
    await disk.write(1024, [sector(1), sector(2)])
    await disk.flush()
    await disk.discard!(2048, 4096)
    await disk.writeZeroes!(512, 512)
    expect(
      server.seen.map(({ command, flags, position, byteLength }) => [command, flags, position, byteLength]),
    ).toEqual([
      [0, 0, 512, 512],
      [1, 0, 1024, 1024],
      [3, 0, 0, 0],
      [4, 0, 2048, 4096],
      [6, 2, 512, 512],
    ])
    expect(server.seen[1]!.data.equals(Buffer.concat([sector(1), sector(2)]))).toBe(true)
    expect(server.bytes.subarray(512, 1024).every((byte) => byte === 0)).toBe(true)
  })

  test.each([
    [1, 'EPERM'],
    [5, 'EIO'],
    [12, 'ENOMEM'],
    [22, 'EINVAL'],
    [28, 'ENOSPC'],
    [75, 'E2BIG'],
    [95, 'EOPNOTSUPP'],
    [4711, 'EINVAL'],
  ])('error %i of the server is %s, and says what failed', async (error, code) => {
    await using bench = await nbdDiskBench()
    bench.server.onRequest = (request, side) => {
      bench.server.reply(request, side, error)
      return true
    }
    const message = expect.stringContaining(`failed a write of 512 bytes at 1024 with error ${error}`)
    await expect(bench.disk.write(1024, [sector(1)])).rejects.toMatchObject({ code, message })
  })

  test('a server that knows no flush is not asked for one', async () => {
    await using bench = await nbdDiskBench({}, ({ exports }) => Object.assign(exports[''], { flags: 1 }))
    await bench.disk.write(0, [sector(1)])
    await bench.disk.flush()
    expect(kinds(bench.server.seen)).toEqual([[1, 0, 512]])
  })

  test('what is larger than the server takes goes in pieces, and fails once all are answered', async () => {
    await using bench = await nbdDiskBench({}, ({ exports }) =>
      Object.assign(exports[''], { blockSizes: [512, 512, 1536] }),
    )
    const { disk, server } = bench
    await disk.write(0, [sector(7, 2), sector(8, 3)])
    expect(kinds(server.seen)).toEqual([
      [1, 0, 1536],
      [1, 1536, 1024],
    ])
    expect([server.bytes[1535], server.bytes[1536], server.bytes[512 * 5]]).toEqual([8, 8, 5])
    const { held, hold } = holding()
    server.onRequest = (request, side) => {
      if (request.position > 0) return hold(server)(request, side)
      server.reply(request, side, 5)
      return true
    }
    const write = outcome(disk.write(0, [sector(0, 5)]))
    await settle()
    expect([held.length, write.value]).toEqual([1, 'waits'])
    held[0]!()
    await settle()
    expect(write.value).toContain('failed a write of 1536 bytes at 0')
  })

  test('no more requests wait than may', async () => {
    await using bench = await nbdDiskBench({ depth: 3 })
    const { held, hold } = holding()
    bench.server.onRequest = hold(bench.server)
    const reads = Array.from({ length: 8 }, (_, i) => outcome(bench.disk.read(512 * i, [sector(0)])))
    await settle()
    expect(held.length).toBe(3)
    held[1]!()
    await settle()
    expect(held.length).toBe(4)
    expect(reads.filter(({ value }) => value === 'done').length).toBe(1)
  })

  test('no more bytes are under way than may, a single request aside', async () => {
    await using bench = await nbdDiskBench({ inFlightBytes: 2048 })
    const { held, hold } = holding()
    bench.server.onRequest = hold(bench.server)
    for (const sectors of [8, 1, 2, 4]) void bench.disk.read(0, [sector(0, sectors)]).catch(() => undefined)
    await settle()
    expect(held.length).toBe(1)
    held[0]!()
    await settle()
    expect(held.length).toBe(3)
    held[1]!()
    await settle()
    expect(held.length).toBe(3)
    held[2]!()
    await settle()
    expect(held.length).toBe(4)
  })

  test('requests of one turn are one write', async () => {
    let writes = 0
    await using bench = await nbdDiskBench({}, (server) => {
      const { dial } = server
      Object.assign(server, {
        dial: async (receiver: Parameters<typeof dial>[0]) => {
          const stream = await dial(receiver)
          const write = stream.write.bind(stream)
          stream.write = (pieces, onSent) => {
            writes++
            write(pieces, onSent)
          }
          return stream
        },
      })
    })
    writes = 0
    await Promise.all([0, 1, 2, 3].map((i) => bench.disk.write(512 * i, [sector(i)])))
    expect(writes).toBe(1)
  })
})

describe('what is kept until a flush', () => {
  test('is bounded: at half of the bound the server is told to flush', async () => {
    await using bench = await nbdDiskBench({ keepBytes: 8192 })
    for (let i = 0; i < 8; i++) await bench.disk.write(512 * i, [sector(i)])
    await settle()
    expect(bench.server.seen.filter(({ command }) => command === 3).length).toBe(1)
  })

  test('what does not fit waits for that flush', async () => {
    await using bench = await nbdDiskBench({ keepBytes: 4096 })
    const { held, hold } = holding()
    const { server, disk } = bench
    server.onRequest = (request, side) => (request.command === 3 ? hold(server)(request, side) : false)
    const writes = Array.from({ length: 12 }, (_, i) => outcome(disk.write(512 * i, [sector(i)])))
    await settle()
    expect(writes.filter(({ value }) => value === 'done').length).toBe(8)
    server.onRequest = undefined
    held[0]!()
    await settle()
    expect(writes.filter(({ value }) => value === 'done').length).toBe(12)
  })

  test('a write larger than half of the bound is asked to be durable at once', async () => {
    await using bench = await nbdDiskBench({ keepBytes: 2048 })
    await bench.disk.write(0, [sector(9, 4)])
    expect(bench.server.seen.map(({ command, flags }) => [command, flags])).toEqual([[1, 1]])
    expect(bench.server.durable[2047]).toBe(9)
  })

  test('with nothing to be kept, and no way to be durable at once, each write is followed by a flush', async () => {
    const flags = ALL_FLAGS & ~8
    await using bench = await nbdDiskBench({ keepBytes: 0 }, ({ exports }) => Object.assign(exports[''], { flags }))
    await Promise.all([0, 1, 2].map((i) => bench.disk.write(512 * i, [sector(9)])))
    await settle()
    expect(bench.server.seen.map(({ command }) => command)).toEqual([1, 3, 1, 3, 1, 3])
  })

  test('a flush of its own that fails makes the next one fail that somebody asks for, once', async () => {
    await using bench = await nbdDiskBench({ keepBytes: 1024 })
    const { server, disk } = bench
    server.onRequest = (request, side) => {
      if (request.command !== 3) return false
      server.onRequest = undefined
      server.reply(request, side, 28)
      return true
    }
    await disk.write(0, [sector(1)])
    await settle()
    await expect(disk.flush()).rejects.toThrow('ENOSPC: the NBD server failed a flush with error 28')
    await disk.flush()
  })
})

test('one gigabyte is discarded at a time', async () => {
  await using bench = await nbdDiskBench({}, ({ exports }) => {
    exports[''] = { flags: ALL_FLAGS, byteLength: BigInt(3072 * MIB) }
  })
  bench.server.onRequest = (request, side) => {
    bench.server.reply(request, side)
    return true
  }
  await bench.disk.discard!(0, 2560 * MIB)
  expect(kinds(bench.server.seen)).toEqual([
    [4, 0, 1024 * MIB],
    [4, 1024 * MIB, 1024 * MIB],
    [4, 2048 * MIB, 512 * MIB],
  ])
})
