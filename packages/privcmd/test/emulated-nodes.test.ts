import { DOM0, type Domid, PAGE_BYTES, type Port } from '@split-driver/abi'
import { PrivcmdPlatform } from '@split-driver/privcmd'
import { encodeMessage, packStringAndRest, packStrings, XenStoreOp } from '@split-driver/xenbus'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EmulatedNodes } from './support/emulated-nodes.js'
import { ioctlNumber } from './support/emulated-nodes-argument.js'
import { bootHost, nodesOf } from './support/emulated-nodes-world.js'

type Booted = Awaited<ReturnType<typeof bootHost>>
let booted: Booted
let nodes: EmulatedNodes
beforeEach(async () => {
  booted = await bootHost()
  nodes = nodesOf(booted.server, booted.host.dom0)
})
afterEach(async () => {
  expect(nodes.ledger()).toEqual([])
  await booted.host[Symbol.asyncDispose]()
})

const words = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer)
const wordOf = (bytes: Uint8Array, index: number): number => new DataView(bytes.buffer).getUint32(index * 4, true)
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))
const errno = (body: () => unknown): unknown => {
  try {
    body()
  } catch (error) {
    return (error as { errno?: unknown }).errno
  }
  return 'no error'
}

describe('/dev/xen/evtchn', () => {
  const NOTIFY = ioctlNumber('E', 4, 4)
  const UNBIND = ioctlNumber('E', 3, 4)

  /** A channel of dom0 to itself, both ends in one file, and nothing pending. */
  const openPair = async (calls: EmulatedNodes) => {
    const fd = calls.open('/dev/xen/evtchn')
    const offered = calls.ioctl(fd, ioctlNumber('E', 2, 4), words(DOM0))
    const bound = calls.ioctl(fd, ioctlNumber('E', 1, 8), words(DOM0, offered))
    await turn()
    expect(readPorts(calls, fd)).toEqual([bound])
    return { fd, offered, bound }
  }

  const readPorts = (calls: EmulatedNodes, fd: number): number[] => {
    const target = new Uint8Array(4096)
    return [...new Uint32Array(target.buffer, 0, calls.read(fd, target) / 4)]
  }

  test('a port that was given out is given out again only after it was written back', async () => {
    const { fd, offered, bound } = await openPair(nodes)
    for (let i = 0; i < 3; i++) nodes.ioctl(fd, NOTIFY, words(offered))
    await turn()
    expect(readPorts(nodes, fd)).toEqual([])
    nodes.write(fd, words(bound))
    await turn()
    expect(readPorts(nodes, fd)).toEqual([bound])
    nodes.close(fd)
  })

  test('what was given out stays in the ring when its port is unbound', async () => {
    const { fd, offered, bound } = await openPair(nodes)
    nodes.ioctl(fd, NOTIFY, words(bound))
    await turn()
    nodes.ioctl(fd, UNBIND, words(offered))
    expect(nodes.ioctl(fd, ioctlNumber('E', 2, 4), words(DOM0)), 'the number comes again').toBe(offered)
    expect(readPorts(nodes, fd)).toEqual([offered])
    nodes.close(fd)
  })

  test('a port of another file: ENOTCONN; a number that is none: EINVAL; a short argument: EFAULT', async () => {
    const { fd, bound } = await openPair(nodes)
    const other = nodes.open('/dev/xen/evtchn')
    expect(errno(() => nodes.ioctl(other, NOTIFY, words(bound)))).toBe('ENOTCONN')
    expect(errno(() => nodes.ioctl(other, UNBIND, words(5000)))).toBe('EINVAL')
    expect(errno(() => nodes.ioctl(other, UNBIND, new Uint8Array(3)))).toBe('EFAULT')
    for (const each of [fd, other]) nodes.close(each)
  })

  test('a ring that overflows says EFBIG until it is reset; the binding over it loses no wake-up', async () => {
    const small = new EmulatedNodes({
      platform: booted.host.dom0,
      connectStore: () => expect.unreachable('XenStore is not asked'),
      evtchnRingSize: 2,
    })
    const fd = small.open('/dev/xen/evtchn')
    for (let i = 0; i < 3; i++) {
      const offered = small.ioctl(fd, ioctlNumber('E', 2, 4), words(DOM0))
      small.ioctl(fd, ioctlNumber('E', 1, 8), words(DOM0, offered))
    }
    await turn()
    expect(errno(() => readPorts(small, fd))).toBe('EFBIG')
    small.ioctl(fd, ioctlNumber('E', 5, 0), new Uint8Array())
    expect(readPorts(small, fd)).toEqual([])
    small.close(fd)
    expect(small.ledger()).toEqual([])
  })

  test('PrivcmdEventChannels wakes everybody after an overflow', async () => {
    const open = nodesOf(booted.server, booted.host.dom0, { evtchnRingSize: 2 })
    const platform = await PrivcmdPlatform.open({ systemCalls: open, xenstore: 'device' })
    const woken = new Set<Port>()
    const ends = Array.from({ length: 8 }, () => {
      const offered = platform.events.bindUnboundPort(DOM0)
      return { offered, bound: platform.events.bindInterdomain(DOM0, offered) }
    })
    for (const { offered } of ends)
      platform.events.listen(offered, (port) => {
        woken.add(port)
        platform.events.eoi(port)
      })
    await turn()
    woken.clear()
    for (const { bound } of ends) platform.events.notify(bound)
    await turn()
    expect(woken.size).toBe(8)
    await platform[Symbol.asyncDispose]()
    expect(open.ledger()).toEqual([])
  })
})

describe('/dev/xen/gntalloc and gntdev', () => {
  const ALLOC = ioctlNumber('G', 5, 24)
  const DEALLOC = ioctlNumber('G', 6, 16)
  const MAP = ioctlNumber('G', 0, 24)
  const UNMAP = ioctlNumber('G', 1, 16)

  const allocate = (fd: number, count: number): { offset: number; refs: number[] } => {
    const argument = new Uint8Array(Math.max(24, 16 + 4 * count))
    argument.set(words(DOM0 | (1 << 16), count))
    nodes.ioctl(fd, ALLOC, argument)
    return { offset: wordOf(argument, 2), refs: Array.from({ length: count }, (_, i) => wordOf(argument, 4 + i)) }
  }

  const note = (fd: number, refs: readonly number[]): number => {
    const argument = words(refs.length, 0, 0, 0, ...refs.flatMap((ref) => [DOM0, ref]))
    nodes.ioctl(fd, MAP, argument)
    return wordOf(argument, 2)
  }

  test('a page is shared until it was both given back and unmapped; no offset comes twice', () => {
    const fd = nodes.open('/dev/xen/gntalloc')
    const first = allocate(fd, 2)
    const range = nodes.map(fd, first.offset, 2 * PAGE_BYTES, 'writable')
    nodes.ioctl(fd, DEALLOC, words(first.offset, 0, 2, 0))
    range.memory.store(0, 1)
    expect(errno(() => nodes.map(fd, first.offset, 2 * PAGE_BYTES, 'writable'))).toBe('ENOENT')
    nodes.unmap(range)
    expect(() => range.memory.load(0)).toThrow(/USE_AFTER_UNMAP/)
    expect(allocate(fd, 1).offset).toBe(2 * PAGE_BYTES)
    expect(errno(() => nodes.ioctl(fd, DEALLOC, words(first.offset, 0, 2, 0)))).toBe('EINVAL')
    nodes.close(fd)
  })

  test('more than the module’s limit, over all files: ENOSPC', () => {
    const [fd, other] = [nodes.open('/dev/xen/gntalloc'), nodes.open('/dev/xen/gntalloc')]
    allocate(fd, 900)
    expect(errno(() => allocate(other, 125))).toBe('ENOSPC')
    nodes.close(fd)
    allocate(other, 125)
    nodes.close(other)
  })

  test('grants are mapped by mmap, and whatever is wrong is EINVAL; the note stays until it is taken back', () => {
    const sharer = nodes.open('/dev/xen/gntalloc')
    const { refs } = allocate(sharer, 2)
    const fd = nodes.open('/dev/xen/gntdev')
    const good = note(fd, refs)
    const bad = note(fd, [refs[0]!, 0xffff_ffff])
    expect(errno(() => nodes.map(fd, bad, 2 * PAGE_BYTES, 'writable'))).toBe('EINVAL')
    expect(
      errno(() => nodes.map(fd, good, PAGE_BYTES, 'writable')),
      'a part of it',
    ).toBe('EINVAL')
    const range = nodes.map(fd, good, 2 * PAGE_BYTES, 'writable')
    expect(
      errno(() => nodes.map(fd, good, 2 * PAGE_BYTES, 'writable')),
      'once more',
    ).toBe('EINVAL')
    expect(
      errno(() => nodes.ioctl(fd, UNMAP, words(good, 0, 2, 0))),
      'while it is mapped',
    ).toBe('EINVAL')
    expect(nodes.ledger()).toHaveLength(2 + 1 + 2 + 1)
    nodes.unmap(range)
    for (const offset of [good, bad]) nodes.ioctl(fd, UNMAP, words(offset, 0, 2, 0))
    expect(errno(() => nodes.ioctl(fd, UNMAP, words(good, 0, 2, 0)))).toBe('ENOENT')
    for (const each of [fd, sharer]) nodes.close(each)
  })

  test('a file that is closed with something mapped stays on the ledger until that is unmapped', () => {
    const fd = nodes.open('/dev/xen/gntalloc')
    const { offset } = allocate(fd, 1)
    const range = nodes.map(fd, offset, PAGE_BYTES, 'writable')
    nodes.close(fd)
    expect(nodes.ledger().join()).toContain('4096 bytes of /dev/xen/gntalloc, mapped')
    range.memory.store(0, 1)
    nodes.unmap(range)
  })
})

describe('/dev/xen/xenbus', () => {
  const message = (type: number, body: Uint8Array, txId = 0): Uint8Array =>
    encodeMessage({ type, reqId: 7, txId, body })

  /** The next message: type, and body as text. */
  const reply = async (fd: number): Promise<[number, string]> => {
    await turn()
    const target = new Uint8Array(4200)
    const count = nodes.read(fd, target)
    return [wordOf(target, 0), new TextDecoder().decode(target.subarray(16, count))]
  }

  test('a message may come in pieces; the reply has its number', async () => {
    const fd = nodes.open('/dev/xen/xenbus')
    const bytes = message(XenStoreOp.Write, packStringAndRest('/a', 'b'))
    for (const byte of bytes) nodes.write(fd, Uint8Array.of(byte))
    expect(await reply(fd)).toEqual([XenStoreOp.Write, 'OK\0'])
    nodes.close(fd)
  })

  test('a message with its header beyond 4096 bytes is refused by write, and what was buffered is dropped', async () => {
    const fd = nodes.open('/dev/xen/xenbus')
    const large = message(XenStoreOp.Write, new Uint8Array(4081))
    expect(errno(() => nodes.write(fd, large.subarray(0, 16)))).toBe('E2BIG')
    expect(errno(() => nodes.write(fd, large))).toBe('EINVAL')
    nodes.write(fd, message(XenStoreOp.Directory, packStrings('/')))
    expect((await reply(fd))[0]).toBe(XenStoreOp.Directory)
    expect(() => nodes.write(fd, new Uint8Array([...message(1, packStrings('/')), 0]))).toThrow(/more than one message/)
    nodes.close(fd)
  })

  test('transactions are the file’s own: another’s, and an unknown one, is ENOENT; closing gives them up', async () => {
    const [fd, other] = [nodes.open('/dev/xen/xenbus'), nodes.open('/dev/xen/xenbus')]
    nodes.write(fd, message(XenStoreOp.TransactionStart, packStrings('')))
    const id = Number((await reply(fd))[1].slice(0, -1))
    expect(booted.server.holdings()).toMatchObject([{ transactions: 1 }])
    nodes.write(other, message(XenStoreOp.Read, packStrings('/'), id))
    expect(await reply(other)).toEqual([XenStoreOp.Error, 'ENOENT\0'])
    nodes.write(fd, message(XenStoreOp.TransactionEnd, packStrings('X'), id))
    expect(await reply(fd)).toEqual([XenStoreOp.Error, 'EINVAL\0'])
    for (const each of [fd, other]) nodes.close(each)
    await turn()
    expect(booted.server.holdings()).toEqual([])
  })

  test('a watch that cannot be is refused by write; ending one that is not there is OK; events have any number', async () => {
    const fd = nodes.open('/dev/xen/xenbus')
    expect(errno(() => nodes.write(fd, message(XenStoreOp.Watch, packStrings('/a//b', 'w'))))).toBe('EINVAL')
    nodes.write(fd, message(XenStoreOp.Unwatch, packStrings('/a', 'w')))
    expect(await reply(fd)).toEqual([XenStoreOp.Unwatch, 'OK\0'])
    nodes.write(fd, message(XenStoreOp.Watch, packStrings('/a', 'w')))
    await turn()
    const target = new Uint8Array(200)
    nodes.read(fd, target)
    expect([wordOf(target, 0), wordOf(target, 1)], 'the answer first').toEqual([XenStoreOp.Watch, 7])
    const event = new Uint8Array(target.subarray(16 + 3))
    expect([wordOf(event, 0), wordOf(event, 1)]).toEqual([XenStoreOp.WatchEvent, 0xdead_beef])
    nodes.close(fd)
  })
})

test('a node that the kernel does not have: ENOENT; a descriptor that is closed: EBADF', () => {
  const bare = new EmulatedNodes({
    platform: booted.host.dom0,
    connectStore: () => expect.unreachable('XenStore is not asked'),
    missing: ['/dev/xen/gntalloc'],
  })
  expect(errno(() => bare.open('/dev/xen/gntalloc'))).toBe('ENOENT')
  const fd = bare.open('/dev/xen/gntdev')
  bare.close(fd)
  expect(errno(() => bare.read(fd, new Uint8Array(4)))).toBe('EBADF')
})

test('a domain’s kernel knows no rights of dom0’s', async () => {
  const guest = await booted.host.createGuest({ name: 'guest' })
  const inside = await PrivcmdPlatform.open({ systemCalls: nodesOf(booted.server, guest), xenstore: 'device' })
  expect(inside.domid).toBe(guest.domid)
  await expect(inside.xenstore.release(guest.domid as Domid)).rejects.toThrow(/EACCES/)
  await inside[Symbol.asyncDispose]()
})
