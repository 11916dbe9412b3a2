import { type Domid, type GrantRef, PAGE_BYTES, type Port } from '@split-driver/abi'
import { SystemCallError } from '@split-driver/privcmd'
import { describe, expect, it } from 'vitest'
import { DeviceNode } from '../src/device-node.js'
import { PrivcmdGrantMapper } from '../src/grant-mapper.js'
import { PrivcmdGrantSharer } from '../src/grant-sharer.js'
import { hex, refusing, ScriptedCalls } from './support/scripted-calls.js'

const MAP_GRANT_REF = 0x18_4700
const UNMAP_GRANT_REF = 0x10_4701
const GRANT_COPY = 0x10_4708
const ALLOC_GREF = 0x18_4705
const DEALLOC_GREF = 0x10_4706

const PEER = 5 as Domid
const refs = (...values: number[]) => values as GrantRef[]

/** Where the kernel says that the mapping lies: beyond 32 bits, to see that both halves travel. */
const INDEX = 0x1_0000_3000

const setIndex = (argument: Uint8Array): number => {
  new DataView(argument.buffer, argument.byteOffset).setBigUint64(8, BigInt(INDEX), true)
  return 0
}

const copyAnswer = (calls: ScriptedCalls, status: (ref: number) => number) => (argument: Uint8Array) => {
  const pointer = new DataView(argument.buffer, argument.byteOffset).getBigUint64(8, true)
  const segment = calls.pointee(pointer)
  const view = new DataView(segment.buffer, segment.byteOffset, 24)
  const isSource = view.getUint16(18, true) === 1
  view.setInt16(20, status(view.getUint32(isSource ? 0 : 8, true)), true)
  return 0
}

describe('mapping', () => {
  const mapper = () => {
    const calls = new ScriptedCalls()
    calls.answers.set(MAP_GRANT_REF, setIndex)
    const node = DeviceNode.open(calls, '/dev/xen/gntdev', (_, error) => error)
    calls.take()
    return { calls, mapper: new PrivcmdGrantMapper(node) }
  }

  it('D1: takes one ioctl and one mmap for all references, and ends as a whole: munmap first', () => {
    const { calls, mapper: gntdev } = mapper()
    const mapping = gntdev.map(PEER, refs(20, 21, 22), 'read-only')
    expect([...mapping.refs]).toEqual([20, 21, 22])
    gntdev.unmap(mapping)
    expect(calls.take()).toEqual([
      `ioctl 184700 ${hex(3, 0, 0, 0, PEER, 20, PEER, 21, PEER, 22)}`,
      'mmap 100003000 12288 read-only',
      'munmap 12288',
      `ioctl 104701 ${hex(0x3000, 1, 3, 0)}`,
    ])
    expect(() => gntdev.unmap(mapping)).toThrow(expect.objectContaining({ code: 'GNTST_bad_handle' }))
  })

  it('pages lie one after the other, and none reaches beyond its end', () => {
    const { mapper: gntdev } = mapper()
    const mapping = gntdev.map(PEER, refs(20, 21), 'writable')
    const page = mapping.page(1)
    page.store(0, 77)
    page.store8(PAGE_BYTES - 1, 9)
    expect([mapping.memory.load(1024), mapping.memory.load8(8191), page.byteLength]).toEqual([77, 9, PAGE_BYTES])
    for (const beyond of [() => page.load(1024), () => page.load8(-1), () => page.bytes(4000, 97)])
      expect(beyond).toThrow(RangeError)
    expect(() => mapping.page(2)).toThrow(RangeError)
  })

  it.each([
    [-3, 'GNTST_bad_gntref'],
    [-2, 'GNTST_bad_domain'],
    [-1, 'GNTST_general_error'],
    [-13, 'GNTST_no_space'],
  ])(
    'B1: of a mapping that was refused, status %i of the first bad reference is told, and nothing is left',
    (bad, code) => {
      const { calls, mapper: gntdev } = mapper()
      calls.mapFailure = new SystemCallError('mmap', 'EINVAL')
      calls.answers.set(
        GRANT_COPY,
        copyAnswer(calls, (ref) => (ref === 31 ? bad : 0)),
      )
      // By itself, reference 30 can be mapped.
      const map = calls.map.bind(calls)
      calls.map = (fd, offset, bytes, access) => {
        const failure = calls.mapFailure
        if (bytes === PAGE_BYTES) calls.mapFailure = undefined
        try {
          return map(fd, offset, bytes, access)
        } finally {
          calls.mapFailure = failure
        }
      }
      expect(() => gntdev.map(PEER, refs(30, 31, 32), 'writable')).toThrow(
        expect.objectContaining({ code, detail: expect.objectContaining({ index: 1, gref: 31 }) }),
      )
      const log = calls.take()
      const count = (call: string) => log.filter((line) => line.startsWith(call)).length
      expect(count(`ioctl ${UNMAP_GRANT_REF.toString(16)}`)).toBe(count(`ioctl ${MAP_GRANT_REF.toString(16)}`))
      expect([calls.mapped.size, [...gntdev.mappings].length]).toEqual([0, 0])
    },
  )

  it('rule 70: a reference that can be read but not mapped for writing is a general error', () => {
    const { calls, mapper: gntdev } = mapper()
    calls.mapFailure = new SystemCallError('mmap', 'EINVAL')
    calls.answers.set(
      GRANT_COPY,
      copyAnswer(calls, () => 0),
    )
    expect(() => gntdev.map(PEER, refs(30), 'writable')).toThrow(
      expect.objectContaining({ code: 'GNTST_general_error', detail: expect.objectContaining({ index: 0 }) }),
    )
  })

  it('a kernel without memory is no fault of a reference', () => {
    const { calls, mapper: gntdev } = mapper()
    calls.mapFailure = new SystemCallError('mmap', 'ENOMEM')
    expect(() => gntdev.map(PEER, refs(30), 'writable')).toThrow(expect.objectContaining({ code: 'ENOMEM' }))
    expect(calls.take().at(-1)).toMatch(/^ioctl 104701/)
  })

  it('a copy hands Xen the place of our bytes; one that would leave its page never gets there (rule 71)', () => {
    const { calls, mapper: gntdev } = mapper()
    let segment: Uint8Array | undefined
    calls.answers.set(GRANT_COPY, (argument) => {
      segment = calls.pointee(new DataView(argument.buffer, argument.byteOffset).getBigUint64(8, true)).slice()
      return copyAnswer(calls, () => 0)(argument)
    })
    const bytes = new Uint8Array(100)
    gntdev.copyTo(PEER, bytes, { ref: 9 as GrantRef, offset: 3996 })
    const address = calls.addressOf(bytes)
    const low = Number(address & 0xffff_ffffn)
    const expected = [low, Number(address >> 32n), 9, (PEER << 16) | 3996, (2 << 16) | 100, 0xffff]
    expect(Buffer.from(segment!).toString('hex')).toBe(hex(...expected))
    expect(() => gntdev.copyTo(PEER, bytes, { ref: 9 as GrantRef, offset: 3997 })).toThrow(
      expect.objectContaining({ code: 'GNTST_bad_copy_arg' }),
    )
  })

  it('a notice of unmapping names the byte in the node’s file, and the port', () => {
    const { calls, mapper: gntdev } = mapper()
    const mapping = gntdev.map(PEER, refs(1, 2), 'writable')
    calls.take()
    gntdev.notifyOnUnmap(mapping, { clearByte: 4097, port: 6 as Port })
    gntdev.notifyOnUnmap(mapping, {})
    expect(calls.take()).toEqual([
      `ioctl 104707 ${hex(0x3000 + 4097, 1, 3, 6)}`,
      `ioctl 104707 ${hex(0x3000, 1, 0, 0)}`,
    ])
    expect(() => gntdev.notifyOnUnmap(mapping, { clearByte: 8192 })).toThrow(RangeError)
  })

  it('what is still mapped is unmapped before the node is closed', () => {
    const { calls, mapper: gntdev } = mapper()
    gntdev.map(PEER, refs(1), 'writable')
    calls.take()
    gntdev[Symbol.dispose]()
    gntdev[Symbol.dispose]()
    expect(calls.take()).toEqual(['munmap 4096', `ioctl 104701 ${hex(0x3000, 1, 1, 0)}`, 'close'])
  })
})

describe('sharing', () => {
  const sharer = (limit?: number) => {
    const calls = new ScriptedCalls()
    calls.answers.set(ALLOC_GREF, (argument) => {
      const view = new DataView(argument.buffer, argument.byteOffset)
      for (let i = 0; i < view.getUint32(4, true); i++) view.setUint32(16 + 4 * i, 100 + i, true)
      return setIndex(argument)
    })
    const node = DeviceNode.open(calls, '/dev/xen/gntalloc', (_, error) => error)
    calls.take()
    return { calls, sharer: new PrivcmdGrantSharer(node, () => limit) }
  }

  it('takes one ioctl and one mmap for all pages, and ends in the order that gntalloc wants', () => {
    const { calls, sharer: gntalloc } = sharer()
    const pages = gntalloc.share(PEER, 3, 'writable')
    expect([...pages.refs]).toEqual([100, 101, 102])
    expect(gntalloc.unshare(pages)).toBe(0)
    expect(calls.take()).toEqual([
      `ioctl 184705 ${hex((1 << 16) | PEER, 3, 0, 0, 0, 0, 0)}`,
      'mmap 100003000 12288 writable',
      'munmap 12288',
      `ioctl 104706 ${hex(0x3000, 1, 3, 0)}`,
    ])
    expect(() => gntalloc.unshare(pages)).toThrow(TypeError)
  })

  it('a read-only grant is writable for ourselves alone, and a single page’s struct has its padding', () => {
    const { calls, sharer: gntalloc } = sharer()
    gntalloc.share(PEER, 1, 'read-only')
    expect(calls.take()).toEqual([`ioctl 184705 ${hex(PEER, 1, 0, 0, 0, 0)}`, 'mmap 100003000 4096 writable'])
  })

  it('pages that cannot be mapped are not left granted', () => {
    const { calls, sharer: gntalloc } = sharer()
    calls.mapFailure = new SystemCallError('mmap', 'ENOMEM')
    expect(() => gntalloc.share(PEER, 2, 'writable')).toThrow(expect.objectContaining({ code: 'ENOMEM' }))
    expect(calls.take().at(-1)).toBe(`ioctl ${DEALLOC_GREF.toString(16)} ${hex(0x3000, 1, 2, 0)}`)
    expect([...gntalloc.shared]).toEqual([])
  })

  it('ENOSPC names the parameter that limits, and its value', () => {
    const { calls, sharer: gntalloc } = sharer(1024)
    calls.answers.set(ALLOC_GREF, refusing('ENOSPC'))
    expect(() => gntalloc.share(PEER, 8, 'writable')).toThrow(/ENOSPC.*xen_gntalloc\/parameters\/limit, now 1024/)
  })

  it('reclaiming has the kernel look, and allocates nothing', () => {
    const { calls, sharer: gntalloc } = sharer()
    expect(gntalloc.reclaim()).toBe(0)
    expect(calls.take()).toEqual([`ioctl 184705 ${hex(0, 0, 0, 0, 0, 0)}`])
  })

  it('what is still shared is unshared before the node is closed', () => {
    const { calls, sharer: gntalloc } = sharer()
    gntalloc.share(PEER, 1, 'writable')
    calls.take()
    gntalloc[Symbol.dispose]()
    expect(calls.take()).toEqual(['munmap 4096', `ioctl 104706 ${hex(0x3000, 1, 1, 0)}`, 'close'])
  })
})
