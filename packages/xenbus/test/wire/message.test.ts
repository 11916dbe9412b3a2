import { encodeMessage, PAYLOAD_MAX_BYTES, SOCKMSG_BYTES, XenStoreOp } from '@split-driver/xenbus'
import fc from 'fast-check'
import { expect, it } from 'vitest'

const interestingU32 = [0, 1, 0xff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff]

it('rule 38: the header is type, req_id, tx_id, len, each u32 little-endian', () => {
  const bytes = encodeMessage({ type: 0x01020304, reqId: 0x05060708, txId: 0x090a0b0c, body: Uint8Array.of(7, 8) })
  expect([...bytes]).toEqual([4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9, 2, 0, 0, 0, 7, 8])
})

it('rule 38: every u32 keeps all its bits', () => {
  for (const value of interestingU32) {
    const view = new DataView(encodeMessage({ type: value, reqId: value, txId: value, body: new Uint8Array() }).buffer)
    expect([0, 4, 8, 12].map((at) => view.getUint32(at, true))).toEqual([value, value, value, 0])
  }
})

it('rule 38: a body of 4096 bytes is the last that fits', () => {
  const message = { type: 2, reqId: 1, txId: 0 }
  const bytes = encodeMessage({ ...message, body: new Uint8Array(PAYLOAD_MAX_BYTES) })
  expect(bytes.length).toBe(SOCKMSG_BYTES + 4096)
  expect(() => encodeMessage({ ...message, body: new Uint8Array(4097) })).toThrow(RangeError)
})

it('rule 56: the operations have the numbers of xs_wire.h, 20 being gone', () => {
  const names = 'Control Directory Read GetPerms Watch Unwatch TransactionStart TransactionEnd Introduce Release'
  const more = 'GetDomainPath Write Mkdir Rm SetPerms WatchEvent Error IsDomainIntroduced Resume SetTarget'
  const last = 'ResetWatches DirectoryPart GetFeature SetFeature GetQuota SetQuota'
  const expected = [...`${names} ${more}`.split(' ').map((name, i) => [name, i])]
  expected.push(...last.split(' ').map((name, i) => [name, 21 + i]), ['Invalid', 0xffff])
  expect(Object.entries(XenStoreOp)).toEqual(expected)
})

it('rule 38: any header comes back as it was, whatever the body', () => {
  const u32 = fc.nat(0xffff_ffff)
  fc.assert(
    fc.property(u32, u32, u32, fc.uint8Array({ maxLength: 64 }), (type, reqId, txId, body) => {
      const bytes = encodeMessage({ type, reqId, txId, body })
      const view = new DataView(bytes.buffer)
      expect([0, 4, 8, 12].map((at) => view.getUint32(at, true))).toEqual([type, reqId, txId, body.length])
      expect(bytes.subarray(16)).toEqual(body)
    }),
  )
})
