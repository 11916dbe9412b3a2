import type { Permission, XenStoreOperations } from '@split-driver/xenbus'
import type { DefectRow } from './defect-row.js'
import type { Defect } from './defective-world.js'

/** A transaction that is none: everything is done at once, and once. */
const noTransaction: Defect = {
  xenstore: (right) => ({ transaction: (body: (t: XenStoreOperations) => Promise<never>) => body(right) }),
}

export const xenstoreDefects: DefectRow[] = [
  [
    'a missing node reads as empty',
    'a node that is missing',
    { xenstore: (right) => ({ tryRead: async (path) => (await right.tryRead(path)) ?? '' }) },
  ],
  [
    'a value ends in NUL',
    'rule 41: a value is bytes',
    {
      xenstore: (right) => ({
        write: (path, value) => right.write(path, value instanceof Uint8Array ? Uint8Array.of(...value, 0) : value),
      }),
    },
  ],
  [
    'paths are tidied up',
    'rule 40',
    { xenstore: (right) => ({ read: (path) => right.read(path.replace(/\/+$/, '') || '/') }) },
  ],
  [
    'MKDIR empties what is there',
    'rule 41: MKDIR of a node',
    { xenstore: (right) => ({ mkdir: (path) => right.write(path, '') }) },
  ],
  [
    'RM of anything missing is fine',
    'rule 41: RM',
    { xenstore: (right) => ({ rm: (path) => right.rm(path).catch(() => {}) }) },
  ],
  ['permissions cannot be set', 'rule 42: the owner', { xenstore: () => ({ setPermissions: async () => {} }) }],
  [
    'the last of several entries counts',
    'rule 42: of several',
    {
      xenstore: (right) => ({
        setPermissions: (path, [owner, ...others]: readonly Permission[]) =>
          right.setPermissions(path, [owner!, ...others.reverse()]),
      }),
    },
  ],
  [
    'a watch has no first event',
    'rule 44',
    {
      xenstore: (right) => ({
        onChange: (path, onPath) => {
          let first = true
          return right.onChange(path, (changed) => {
            if (!first) onPath(changed)
            first = false
          })
        },
      }),
    },
  ],
  [
    'event paths are absolute',
    'rule 45',
    {
      xenstore: (right) => ({
        onChange: (path, onPath) =>
          right.onChange(path, (changed) => onPath(changed.startsWith('/') ? changed : `/local/domain/0/${changed}`)),
      }),
    },
  ],
  [
    'a watch hears its neighbours, too',
    'a watch hears of its node',
    {
      xenstore: (right) => ({
        onChange: (path, onPath) => right.onChange(path === '/conformance/a' ? '/conformance' : path, onPath),
      }),
    },
  ],
  ['a transaction is none', 'a transaction sees its own', noTransaction],
  ['a transaction is none', 'a body that throws', noTransaction],
  ['a transaction is none', 'rule 47', noTransaction],
  ['a transaction is none', 'rule 48: what a transaction read', noTransaction],
  ['a transaction is none', 'rule 48: two domains', noTransaction],
  [
    'every transaction conflicts once',
    'rule 48: transactions that touch',
    {
      xenstore: (right) => ({
        transaction: async (body: (t: XenStoreOperations) => Promise<never>) => {
          await right.transaction(body)
          return right.transaction(body)
        },
      }),
    },
  ],
  [
    'a listing ends where a reply does',
    'rule 50',
    { xenstore: (right) => ({ directory: async (path) => (await right.directory(path)).slice(0, 100) }) },
  ],
  ['signals are not heeded', 'S9: a request', { xenstore: (right) => ({ rm: (path) => right.rm(path) }) }],
  ['signals are not heeded', 'S9: a watch', { xenstore: (right) => ({ watch: (path) => right.watch(path) }) }],
  [
    'signals are not heeded',
    'S9: a transaction',
    { xenstore: (right) => ({ transaction: (body) => right.transaction(body) }) },
  ],
  [
    'a watch hears of all below, whatever its depth',
    'a watch of some depth',
    { xenstore: (right) => ({ onChange: (path, onPath) => right.onChange(path, onPath) }) },
  ],
  [
    'it is tried a hundred times',
    'rule 48: a transaction is tried',
    { xenstore: (right) => ({ transaction: (body) => right.transaction(body) }) },
  ],
]
