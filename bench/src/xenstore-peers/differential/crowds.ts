import { PAYLOAD_MAX_BYTES, toBytes, XenStoreOp } from '@split-driver/xenbus'
import { NODES_OF_A_GUEST } from '../quotas.js'
import { strings } from './choose-body.js'
import type { Operation } from './operation.js'

/** A guest's client, the first after those at the socket. */
const GUEST = 3

const ask = (client: number, type: number, body: Uint8Array): Operation => ({
  client,
  type,
  transaction: 'none',
  body: body.subarray(0, PAYLOAD_MAX_BYTES),
})

const times = (count: number, make: (i: number) => Operation): Operation[] =>
  Array.from({ length: count }, (_, i) => make(i))

const shortNames = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_@'

const childName = (i: number): string => `/t/many/${String(i).padStart(3, '0')}${'n'.repeat(77)}`

/** What single random requests hardly ever come to: quotas at their bounds, and listings of more than one reply. */
export const crowds: Readonly<Record<string, readonly Operation[]>> = {
  children: [
    ...times(60, (i) => ask(0, XenStoreOp.Write, Buffer.concat([strings(childName(i)), toBytes('x')]))),
    ask(1, XenStoreOp.Directory, strings('/t/many')),
    ...[0, 81, 3969, 4050, 4779, 4860, 9999].map((offset) =>
      ask(2, XenStoreOp.DirectoryPart, strings('/t/many', String(offset))),
    ),
    ask(0, XenStoreOp.Rm, strings('/t/many')),
  ],
  // Of two bytes each, where the room for a part ends.
  'children at the bound': [
    ...times(49, (i) => ask(0, XenStoreOp.Mkdir, strings(childName(i)))),
    ...[...shortNames].map((name) => ask(0, XenStoreOp.Mkdir, strings(`/t/many/${name}`))),
    ...[0, 81, 3969].map((offset) => ask(1, XenStoreOp.DirectoryPart, strings('/t/many', String(offset)))),
    ask(0, XenStoreOp.Rm, strings('/t/many')),
  ],
  nodes: [
    ...times(2 * NODES_OF_A_GUEST, (i) => ask(GUEST, XenStoreOp.Mkdir, strings(`n/${i}`))),
    ask(GUEST, XenStoreOp.Rm, strings('n/2')),
    ask(GUEST, XenStoreOp.Mkdir, strings('n/of/two')),
    ask(GUEST, XenStoreOp.Mkdir, strings('n/one')),
    ask(GUEST, XenStoreOp.Mkdir, strings('n/more')),
    ask(0, XenStoreOp.SetPerms, strings('/local/domain/1/n/3', 'n2')),
    ask(GUEST, XenStoreOp.Mkdir, strings('n/again')),
    ask(GUEST, XenStoreOp.TransactionStart, strings('')),
  ],
  watches: [
    ...times(131, (i) => ask(GUEST, XenStoreOp.Watch, strings(`w/${i}`, 'token'))),
    ask(GUEST, XenStoreOp.Write, strings('w')),
    ask(GUEST, XenStoreOp.ResetWatches, strings('')),
    ask(GUEST, XenStoreOp.Watch, strings('w', 'token')),
  ],
  transactions: [
    ...times(13, () => ask(GUEST, XenStoreOp.TransactionStart, strings(''))),
    ask(GUEST, XenStoreOp.ResetWatches, strings('')),
    ask(GUEST, XenStoreOp.TransactionStart, strings('')),
  ],
  permissions: times(8, (i) => ask(GUEST, XenStoreOp.SetPerms, strings('d', 'n1', ...Array(i).fill('r0')))),
  'sizes of a node': times(12, (i) =>
    ask(GUEST, XenStoreOp.Write, Buffer.concat([strings('size'), Buffer.alloc(2014 + 4 * i, 'v')])),
  ),
}
