import type { Domid, Port } from '@split-driver/abi'
import fc from 'fast-check'
import type { StateRecord } from '../../src/state/stream/records.js'

const u16 = fc.nat(0xffff)
const u32 = fc.nat(0xffff_ffff)
const domid = fc.nat(0x7fef) as fc.Arbitrary<Domid>
const text = fc.string({ unit: fc.constantFrom(...'abz/@-_09'), maxLength: 40 })
const bytes = fc.uint8Array({ maxLength: 100 })
const token = fc.array(fc.integer({ min: 1, max: 255 }), { maxLength: 20 }).map((codes) => Uint8Array.from(codes))
const quotas = fc.array(fc.record({ name: text, value: u32 }), { maxLength: 5 })

const permissions = fc.array(
  fc.record({ domid, kind: fc.constantFrom('none', 'read', 'write', 'both'), stale: fc.boolean() }),
  { maxLength: 5 },
)

const spec = fc.oneof(
  fc.record({
    kind: fc.constant('ring'),
    domid,
    target: fc.option(domid, { nil: undefined }),
    port: u32 as fc.Arbitrary<Port>,
  }),
  fc.record({ kind: fc.constant('socket'), fd: fc.integer({ min: -1, max: 1000 }) }),
)

const connection = fc
  .record({
    kind: fc.constant('CONNECTION_DATA'),
    connId: u32,
    spec,
    input: bytes,
    output: bytes,
    partialBytes: u16,
    uniqueId: fc.option(fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }), { nil: undefined }),
  })
  .map((record) => ({ ...record, partialBytes: record.partialBytes % (record.output.length + 1) }))

/** Any record that a stream of version 2 can carry. */
export const arbitraryRecord = fc.oneof(
  fc.record({ kind: fc.constant('GLOBAL_DATA'), socketFd: fc.integer({ min: -1, max: 99 }), evtchnFd: fc.nat(99) }),
  connection,
  fc.record({ kind: fc.constant('WATCH_DATA'), connId: u32, path: text, token }),
  fc.record({ kind: fc.constant('TRANSACTION_DATA'), connId: u32, txId: u32 }),
  fc.record({
    kind: fc.constant('NODE_DATA'),
    connId: u32,
    txId: u32,
    access: u16,
    path: text,
    value: bytes,
    permissions,
  }),
  fc.record({ kind: fc.constant('GLOBAL_QUOTA_DATA'), perDomain: quotas, global: quotas }),
  fc.record({ kind: fc.constant('DOMAIN_DATA'), domid: u16, features: u32, quotas }),
  fc.record({ kind: fc.constant('WATCH_DATA_EXTENDED'), connId: u32, path: text, token, depth: u16 }),
) as fc.Arbitrary<StateRecord>
