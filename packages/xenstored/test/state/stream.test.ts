import type { Domid, Port } from '@split-driver/abi'
import { XenError } from '@split-driver/abi'
import { concatBytes, toBytes } from '@split-driver/xenbus'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readStream } from '../../src/state/stream/read-stream.js'
import type { StateRecord } from '../../src/state/stream/records.js'
import { writeStream } from '../../src/state/stream/write-stream.js'
import { arbitraryRecord } from '../support/arbitrary-record.js'

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'))

const HEADER = '78656e73746f7265 00000002 00000000'
const END = '00000000 00000000'

/** Each record once, in bytes written down by hand from the document's pictures. */
const GOLDEN: readonly (readonly [StateRecord, string])[] = [
  [{ kind: 'GLOBAL_DATA', socketFd: 7, evtchnFd: -1 }, '01000000 08000000 07000000 ffffffff'],
  [
    {
      kind: 'CONNECTION_DATA',
      connId: 1,
      spec: { kind: 'socket', fd: 9 },
      input: toBytes('abc'),
      output: toBytes('defgh'),
      partialBytes: 2,
      uniqueId: undefined,
    },
    '02000000 20000000 01000000 0100 0000 09000000 00000000 0300 0200 05000000 616263 6465666768',
  ],
  [
    {
      kind: 'CONNECTION_DATA',
      connId: 2,
      spec: { kind: 'ring', domid: 5 as Domid, target: 6 as Domid, port: 0x11 as Port },
      input: toBytes('a'),
      output: toBytes(''),
      partialBytes: 0,
      uniqueId: 0x0102030405060708n,
    },
    '02000000 28000000 02000000 0000 0100 0500 0600 11000000 0100 0000 00000000 61 00000000000000 0807060504030201',
  ],
  [
    {
      kind: 'CONNECTION_DATA',
      connId: 3,
      spec: { kind: 'ring', domid: 5 as Domid, target: undefined, port: 1 as Port },
      input: toBytes(''),
      output: toBytes(''),
      partialBytes: 0,
      uniqueId: undefined,
    },
    '02000000 18000000 03000000 0000 0000 0500 f47f 01000000 0000 0000 00000000',
  ],
  [
    { kind: 'WATCH_DATA', connId: 1, path: '/a', token: toBytes('tok') },
    '03000000 10000000 01000000 0300 0400 2f6100 746f6b00 00',
  ],
  [{ kind: 'TRANSACTION_DATA', connId: 1, txId: 0x203 }, '04000000 08000000 01000000 03020000'],
  [
    {
      kind: 'NODE_DATA',
      connId: 0,
      txId: 0,
      access: 0,
      path: '/a',
      value: Uint8Array.of(1, 0, 2),
      permissions: [
        { domid: 0 as Domid, kind: 'none', stale: false },
        { domid: 3 as Domid, kind: 'both', stale: true },
      ],
    },
    '05000000 20000000 00000000 00000000 0300 0300 0000 0200 6e000000 62010300 2f6100 010002 0000',
  ],
  [
    {
      kind: 'GLOBAL_QUOTA_DATA',
      perDomain: [{ name: 'nodes', value: 1000 }],
      global: [{ name: 'q', value: 0 }],
    },
    '06000000 18000000 0100 0100 e8030000 00000000 6e6f64657300 7100 00000000',
  ],
  [
    { kind: 'DOMAIN_DATA', domid: 5, features: 3, quotas: [{ name: 'watches', value: 2 }] },
    '07000000 18000000 0500 0100 03000000 02000000 7761746368657300 00000000',
  ],
  [
    { kind: 'WATCH_DATA_EXTENDED', connId: 1, path: 'b', token: toBytes(''), depth: 2 },
    '08000000 10000000 01000000 0200 0100 0200 0000 6200 00 00',
  ],
]

const failure = (bytes: Uint8Array): unknown => {
  try {
    readStream(bytes)
    return 'read'
  } catch (error) {
    return XenError.is(error, 'EPROTO') ? error.detail : error
  }
}

describe('docs/designs/xenstore-migration.md', () => {
  test.each(GOLDEN)('%#: a record is written and read as the document draws it', (record, bytes) => {
    const stream = hex(`${HEADER} ${bytes} ${END}`)
    expect(Buffer.from(writeStream([record])).toString('hex')).toBe(Buffer.from(stream).toString('hex'))
    expect(readStream(stream)).toEqual({
      version: 2,
      littleEndian: true,
      records: [record],
      bytes: stream.length,
    })
  })

  test('all records in either order of bytes come back as they went', () => {
    fc.assert(
      fc.property(fc.array(arbitraryRecord), fc.boolean(), (records, littleEndian) => {
        const stream = writeStream(records, { littleEndian })
        expect(stream.length % 8).toBe(0)
        expect(readStream(stream)).toEqual({ version: 2, littleEndian, records, bytes: stream.length })
      }),
    )
  })

  test('a stream of any length', () => {
    const watch: StateRecord = { kind: 'WATCH_DATA', connId: 1, path: '/a', token: toBytes('t'.repeat(1000)) }
    for (const count of [4, 5, 100]) {
      const records = Array.from({ length: count }, () => watch)
      expect(readStream(writeStream(records)).records).toEqual(records)
    }
  })

  test('version 1 has no features and no depth', () => {
    const domain: StateRecord = { kind: 'DOMAIN_DATA', domid: 5, features: 3, quotas: [] }
    expect(readStream(writeStream([domain], { version: 1 })).records).toEqual([{ ...domain, features: 0 }])
    const extended = GOLDEN.at(-1)![0]
    expect(() => writeStream([extended], { version: 1 })).toThrow(RangeError)
    const stream = writeStream([extended])
    stream[11] = 1
    expect(failure(stream)).toEqual({ record: 1, offset: 16, field: 'type' })
  })

  test('a length that leaves the padding out is a length, too', () => {
    const stream = hex(`${HEADER} 03000000 0f000000 01000000 0300 0400 2f6100 746f6b00 00 ${END}`)
    expect(readStream(stream).records).toHaveLength(1)
  })

  test('what was read is a copy, also of a Buffer', () => {
    const stream = Buffer.from(writeStream([{ kind: 'WATCH_DATA', connId: 1, path: '/a', token: toBytes('tok') }]))
    const { records } = readStream(stream)
    stream.fill(0)
    expect(records).toEqual([{ kind: 'WATCH_DATA', connId: 1, path: '/a', token: toBytes('tok') }])
  })

  test('what follows END is no part of the stream', () => {
    const stream = concatBytes(hex(`${HEADER} ${END}`), toBytes('more'))
    expect(readStream(stream).bytes).toBe(stream.length - 4)
  })
})

describe('a stream that makes no sense is refused, and the error says where', () => {
  const refused: readonly (readonly [string, string, object])[] = [
    ['no ident', '78656e73746f7266 00000002 00000000', { record: 0, offset: 0, field: 'ident' }],
    ['version 0', '78656e73746f7265 00000000 00000000', { record: 0, offset: 8, field: 'version' }],
    ['version 3', '78656e73746f7265 00000003 00000000', { record: 0, offset: 8, field: 'version' }],
    ['reserved flags', '78656e73746f7265 00000002 00000002', { record: 0, offset: 12, field: 'flags' }],
    ['no END', HEADER, { record: 1, offset: 16, field: 'type' }],
    ['an unknown record', `${HEADER} 09000000 00000000 ${END}`, { record: 1, offset: 16, field: 'type' }],
    ['an END with a body', `${HEADER} 00000000 08000000 ${END}`, { record: 1, offset: 20, field: 'len' }],
    ['a length beyond all', `${HEADER} 04000000 ffffffff ${END}`, { record: 1, offset: 20, field: 'len' }],
    [
      'a field beyond the record',
      `${HEADER} 04000000 04000000 01000000 00000000 ${END}`,
      { offset: 28, field: 'txId' },
    ],
    ['bytes left over', `${HEADER} 04000000 10000000 ${'00'.repeat(16)} ${END}`, { offset: 32, field: 'padding' }],
    [
      'a type of connection',
      `${HEADER} 02000000 18000000 01000000 0200 0000 ${'00'.repeat(16)} ${END}`,
      { offset: 28 },
    ],
    ['unknown fields', `${HEADER} 02000000 18000000 01000000 0000 0002 ${'00'.repeat(16)} ${END}`, { offset: 28 }],
    [
      'a reply that is more than all',
      `${HEADER} 02000000 18000000 01000000 0100 0000 ${'00'.repeat(8)} 0000 0100 00000000 ${END}`,
      { offset: 40, field: 'data' },
    ],
    [
      'a path without NUL',
      `${HEADER} 03000000 10000000 01000000 0300 0400 2f6162 746f6b00 00 ${END}`,
      { field: 'path' },
    ],
    [
      'a path of no bytes',
      `${HEADER} 03000000 10000000 01000000 0000 0400 746f6b00 00000000 ${END}`,
      { field: 'path' },
    ],
    [
      'a NUL in a token',
      `${HEADER} 03000000 10000000 01000000 0300 0400 2f6100 74006b00 00 ${END}`,
      { field: 'token' },
    ],
    [
      'a path not in ASCII',
      `${HEADER} 03000000 10000000 01000000 0300 0400 2fff00 746f6b00 00 ${END}`,
      { field: 'path' },
    ],
    [
      'an unknown right',
      `${HEADER} 05000000 18000000 00000000 00000000 0300 0000 0000 0100 78000000 2f6100 00 ${END}`,
      { offset: 40, field: 'permissions' },
    ],
    [
      'an unknown flag',
      `${HEADER} 05000000 18000000 00000000 00000000 0300 0000 0000 0100 6e020000 2f6100 00 ${END}`,
      { offset: 40, field: 'permissions' },
    ],
    [
      'fewer quotas than said',
      `${HEADER} 06000000 08000000 0200 0000 00000000 ${END}`,
      { field: 'perDomain and global' },
    ],
  ]

  test.each(refused)('%s', (_, stream, place) => {
    expect(failure(hex(stream))).toMatchObject(place)
  })

  test('the record is counted', () => {
    expect(failure(hex(`${HEADER} ${GOLDEN[0]![1]} ${GOLDEN[4]![1]} 0a`))).toMatchObject({ record: 3 })
  })

  const whole = writeStream(GOLDEN.map(([record]) => record))

  test('cut off anywhere', () => {
    for (let length = 0; length < whole.length; length++)
      expect(failure(whole.subarray(0, length)), `${length} bytes`).toHaveProperty('field')
  })

  test('whatever is changed in it: it is read or refused, and what is read can be written', () => {
    const change = fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255) })
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const stream = whole.slice()
        for (const { at, byte } of changes) stream[at] = byte
        const outcome = failure(stream)
        if (outcome !== 'read') {
          expect(outcome).toHaveProperty('field')
          return
        }
        const { records, version, littleEndian } = readStream(stream)
        expect(readStream(writeStream(records, { version, littleEndian })).records).toEqual(records)
      }),
      { numRuns: 3000 },
    )
  })
})
