import { NbdDisk, type NbdDiskOptions } from '@split-driver/blkif'
import { describe, expect, test } from 'vitest'
import { settle } from '../fakes/nbd-disk-bench.js'
import { ALL_FLAGS, FakeNbdServer, optionReply, u16, u32, u64 } from '../fakes/nbd-server.js'
import { testClock } from '../fakes/test-clock.js'

const clock = testClock()

const open = (server: FakeNbdServer, options: NbdDiskOptions & { exportName?: string; tls?: boolean } = {}) =>
  NbdDisk.connect('the disk', { dial: server.dial, clock, ...options })

const failure = (code: string, message: string | RegExp) => ({
  code,
  message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
})

const serverOf = (change: (server: FakeNbdServer) => void = () => undefined, byteLength = 8192): FakeNbdServer => {
  const server = new FakeNbdServer(new Uint8Array(byteLength).fill(7))
  change(server)
  return server
}

/** Answers the option that chooses the export. */
const answering = (reply: (option: number) => Uint8Array[]) => (server: FakeNbdServer) => {
  server.onOption = (option, _data, side) => {
    if (option !== 7) return false
    side.send(...reply(option))
    return true
  }
}

const sizes = (minimum: number, preferred: number, maximum: number) =>
  answering(() => [optionReply(7, 3, Buffer.concat([u16(3), u32(minimum), u32(preferred), u32(maximum)]))])

describe('the NBD handshake', () => {
  test('asks for structured replies, then for the export by its name', async () => {
    const server = serverOf(({ exports }) => {
      exports['Größe'] = { flags: ALL_FLAGS }
    })
    await using disk = await open(server, { exportName: 'Größe' })
    expect(server.options).toEqual([8, 7])
    expect(disk.byteLength).toBe(8192)
  })

  test('tells what the export can do', async () => {
    const server = serverOf(({ exports }) => {
      exports[''] = { flags: ALL_FLAGS, blockSizes: [1024, 65536, 2 ** 25] }
    }, 65536)
    await using disk = await open(server)
    expect(disk).toMatchObject({ sectorBytes: 1024, physicalSectorBytes: 4096, readOnly: false })
    expect(disk.discardUnits).toEqual({ granularityBytes: 65536 })
    expect(disk.writeZeroes).toBeDefined()
  })

  test.each([
    ['that is read-only', ALL_FLAGS | 2, true],
    ['that knows neither trim nor zeroes', 1, false],
  ])('an export %s has neither discard nor zeroes', async (_what, flags, readOnly) => {
    await using disk = await open(serverOf(({ exports }) => Object.assign(exports[''], { flags })))
    const { discard, discardUnits, writeZeroes } = disk
    expect({ readOnly: disk.readOnly, discard, discardUnits, writeZeroes }).toEqual({ readOnly })
  })

  test.each([
    ['fixed newstyle, without zeroes', '\0\x03', [8, 7, 1]],
    ['fixed newstyle, with zeroes', '\0\x01', [8, 7, 1]],
    ['plain newstyle', '\0\0', [1]],
  ])('an older server is asked the older way: %s', async (_what, flags, options) => {
    const server = serverOf((server) => {
      server.knowsGo = false
      server.greeting = Buffer.from(`NBDMAGICIHAVEOPT${flags}`, 'latin1')
    })
    await using disk = await open(server)
    expect(server.options).toEqual(options)
    const target = new Uint8Array(512)
    await disk.read(0, [target])
    expect(target[511]).toBe(7)
  })

  test('information of unknown kinds is passed over', async () => {
    const server = serverOf()
    server.onOption = (option, _data, side) => {
      if (option === 7) side.send(optionReply(7, 3, Buffer.concat([u16(2), Buffer.from('a fine disk')])))
      return false
    }
    await using disk = await open(server)
    expect(disk.byteLength).toBe(8192)
  })

  test('an export that is not there is ENOENT, with its name and what the server says; it is left politely', async () => {
    const server = serverOf()
    await expect(open(server, { exportName: 'nope' })).rejects.toMatchObject(
      failure('ENOENT', '"nope": it has no such export ("try another")'),
    )
    await settle()
    expect(server.options).toEqual([8, 7, 2])
  })

  test('a server that insists on TLS is EACCES, and the message says how', async () => {
    const server = serverOf((server) => {
      server.onOption = (option, _data, side) => {
        side.send(optionReply(option, 0x80000005))
        return true
      }
    })
    await expect(open(server)).rejects.toMatchObject(failure('EACCES', 'insists on TLS: use nbds:'))
  })

  test('TLS that a server does not offer is EACCES, and nothing was asked without it', async () => {
    const server = serverOf()
    await expect(open(server, { tls: true })).rejects.toMatchObject(failure('EACCES', 'offers no TLS'))
    expect(server.options[0]).toBe(5)
    expect(server.options).not.toContain(7)
  })

  test('bytes before TLS begins are not taken for encrypted ones', async () => {
    const server = serverOf((server) => {
      server.onOption = (option, _data, side) => {
        side.send(optionReply(option, 1), Buffer.from('injected'))
        return true
      }
    })
    await expect(open(server, { tls: true })).rejects.toMatchObject(
      failure('EPROTO', 'bytes that nobody had asked for'),
    )
    expect(server.options).toEqual([5])
  })

  test.each([
    ['SSH', Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'), 'no NBD server answers there: its first words are "SSH-2.0-"'],
    ['zeros', Buffer.alloc(18), 'its first words are 0x0000000000000000'],
    ['oldstyle', Buffer.from('NBDMAGIC\x00\x00\x42\x02\x81\x86\x12\x53\0\0', 'latin1'), 'oldstyle'],
    ['another version', Buffer.from('NBDMAGICWHATELSE\0\x03', 'latin1'), 'goes on with "WHATELSE"'],
  ])('a server that speaks something else is EPROTO: %s', async (_what, greeting, message) => {
    const server = serverOf((server) => Object.assign(server, { greeting }))
    await expect(open(server)).rejects.toMatchObject(failure('EPROTO', message))
  })

  const many = Array.from({ length: 65 }, () => optionReply(7, 3, u16(9)))
  const huge = Buffer.concat([u16(0), u64(2n ** 60n), u16(1)])
  test.each([
    ['a reply to another option', answering(() => [optionReply(3, 1)]), 'answers option 3; 7 was asked for'],
    ['a reply with other magic', answering(() => [new Uint8Array(20)]), 'answers an option with 0x00'],
    ['a reply of 2 GiB', answering(() => [optionReply(7, 3).fill(0x7f, 16)]), /with 2139062143 bytes/],
    ['more replies than there are kinds', answering(() => many), 'more than 64 replies'],
    ['no size', answering(() => [optionReply(7, 1)]), 'does not tell the size'],
    ['a size of 2⁶⁰', answering(() => [optionReply(7, 3, huge), optionReply(7, 1)]), 'more than can be counted'],
    ['information that is too short', answering(() => [optionReply(7, 3, u32(0))]), 'information 0 has 4 bytes'],
    ['information of no kind', answering(() => [optionReply(7, 3, Buffer.of(0))]), 'of no kind'],
    ['a minimum that is no power of two', sizes(3, 4096, 2 ** 25), 'block sizes make no sense: 3 minimum'],
    ['a minimum of 0', sizes(0, 4096, 2 ** 25), '0 minimum'],
    ['a minimum beyond 64 KiB', sizes(2 ** 17, 2 ** 17, 2 ** 25), '131072 minimum'],
    ['a preferred size below the minimum', sizes(4096, 512, 2 ** 25), '512 preferred'],
    ['a maximum below the preferred size', sizes(1, 4096, 2048), '2048 maximum'],
  ])('%s is EPROTO', async (_what, change, message) => {
    await expect(open(serverOf(change))).rejects.toMatchObject(failure('EPROTO', message))
  })

  test('a server that hangs up is EIO', async () => {
    const server = serverOf((server) => {
      server.onOption = (_option, _data, side) => {
        side.drop()
        return true
      }
    })
    await expect(open(server)).rejects.toMatchObject({ message: expect.stringContaining('the server ended it') })
    expect(server.dials).toBe(1)
  })

  test('a server that says nothing is EIO after the time that is given to it', async () => {
    const server = serverOf((server) => Object.assign(server, { greeting: Buffer.alloc(0) }))
    const opened = open(server)
    await new Promise(setImmediate)
    clock.advance(9999)
    await Promise.resolve()
    clock.advance(1)
    await expect(opened).rejects.toMatchObject(failure('EIO', 'within 10000 ms'))
    expect(server.sides.size).toBe(0)
    expect(clock.timers).toBe(0)
  })

  test.each([
    ['a size that is no multiple of 512', 1000, undefined, 'the disk has 1000 bytes, no multiple of 512'],
    ['one that is no multiple of the sector size', 4608, 4096, 'no multiple of 4096'],
    ['none', 0, undefined, 'is empty'],
  ])('a disk with %s is EINVAL', async (_what, byteLength, sectorBytes, message) => {
    const server = serverOf(undefined, byteLength)
    const options = sectorBytes === undefined ? {} : { sectorBytes }
    await expect(open(server, options)).rejects.toMatchObject(failure('EINVAL', message))
    await settle()
    expect(server.disconnects).toBe(1)
  })

  test('sectors smaller than the server takes are EINVAL', async () => {
    const server = serverOf(({ exports }) => {
      exports[''] = { flags: ALL_FLAGS, blockSizes: [4096, 4096, 2 ** 25] }
    })
    await expect(open(server, { sectorBytes: 512 })).rejects.toMatchObject(failure('EINVAL', '4096 bytes at least'))
  })
})
