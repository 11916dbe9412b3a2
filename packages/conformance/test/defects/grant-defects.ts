import { type GrantRef, PAGE_BYTES } from '@split-driver/abi'
import type { Mapping, UnmapNotice, UnmapNotifier } from '@split-driver/grant'
import type { Platform } from '@split-driver/platform'
import { type DefectRow, forgiving } from './defect-row.js'

type Mapper = Platform['mapper']

const withMemory = (right: Mapping, memory: Mapping['memory']): Mapping =>
  new Proxy(right, { get: (target, key: keyof Mapping) => (key === 'memory' ? memory : target[key]) })

/** A mapper whose notices are other than what was asked for. */
const noticing = (
  notify: (right: UnmapNotifier<Mapping>, mapping: Mapping, notice: UnmapNotice) => void,
): DefectRow[2] => ({
  mapper: (right) => {
    const notifier = right as Mapper & UnmapNotifier<Mapping>
    const changed: Partial<Mapper> & UnmapNotifier<Mapping> = {
      notifyOnUnmap: (mapping, notice) => notify(notifier, mapping, notice),
    }
    return changed
  },
})

export const grantDefects: DefectRow[] = [
  [
    'every mapping is writable',
    'rule 70: nothing can be written',
    { mapper: (right) => ({ map: (domid, refs) => right.map(domid, refs, 'writable') }) },
  ],
  [
    'a read-only grant is mapped as far as it goes',
    'rule 70: a read-only grant',
    {
      mapper: (right) => ({
        map: forgiving<Parameters<Mapper['map']>, Mapping>(
          (domid, refs, access) => right.map(domid, refs, access),
          (domid, refs) => right.map(domid, refs, 'read-only'),
        ),
      }),
    },
  ],
  [
    'a bad reference is left out',
    'B1',
    {
      mapper: (right) => ({
        map: (domid, refs, access) =>
          right.map(
            domid,
            refs.filter((ref) => ref !== ((2 ** 32 - 1) as GrantRef)),
            access,
          ),
      }),
    },
  ],
  [
    'pages are mapped in their own order',
    'pages of one mapping',
    {
      mapper: (right) => ({
        map: (domid, refs, access) =>
          right.map(
            domid,
            [...refs].sort((a, b) => a - b),
            access,
          ),
      }),
    },
  ],
  [
    'unmap can be repeated',
    'G2: unmapping twice',
    {
      mapper: (right) => ({
        unmap: forgiving<[Mapping], void>(
          (mapping) => right.unmap(mapping),
          () => {},
        ),
      }),
    },
  ],
  ['unmap does nothing', 'bytes that one end writes', { mapper: () => ({ unmap: () => {} }) }],
  [
    'a mapping is a copy',
    'bytes that one end writes',
    {
      mapper: (right) => {
        const rightly = new Map<Mapping, Mapping>()
        return {
          map: (domid, refs, access) => {
            const mapping = right.map(domid, refs, access)
            const copy = right.map(domid, [...refs].reverse(), access)
            right.unmap(copy)
            const wrong = withMemory(mapping, copy.memory)
            rightly.set(wrong, mapping)
            return wrong
          },
          unmap: (mapping) => right.unmap(rightly.get(mapping) ?? mapping),
        }
      },
    },
  ],
  [
    'unshare forgets what is still mapped',
    'rule 69',
    {
      sharer: (right) => ({
        unshare: (pages) => {
          right.unshare(pages)
          return 0
        },
      }),
    },
  ],
  ['reclaim sees nothing', 'rule 69', { sharer: () => ({ reclaim: () => 0 }) }],
  [
    'a page is shared as it was left',
    'R3',
    {
      sharer: (right) => ({
        share: (domid, count, access) => {
          const pages = right.share(domid, count, access)
          pages.memory.store8(count * PAGE_BYTES - 1, 1)
          return pages
        },
      }),
    },
  ],
  [
    'every grant is writable',
    'rule 70: a read-only grant',
    { sharer: (right) => ({ share: (domid, count) => right.share(domid, count, 'writable') }) },
  ],
  [
    'every grant is for dom0',
    'rule 68',
    {
      mapper: (right) => ({
        map: forgiving<Parameters<Mapper['map']>, Mapping>(
          (domid, refs, access) => right.map(domid, refs, access),
          () => ({}) as Mapping,
        ),
      }),
    },
  ],
  [
    'a copy writes one byte more',
    'copy: only the named bytes',
    {
      mapper: (right) => ({
        copyTo: (domid, source, target) =>
          right.copyTo(domid, Uint8Array.of(9, ...source), { ...target, offset: target.offset - 1 }),
      }),
    },
  ],
  [
    'a copy is cut at the page’s end',
    'rule 71',
    {
      mapper: (right) => ({
        copyTo: (domid, source, target) =>
          right.copyTo(domid, source.subarray(0, Math.max(0, PAGE_BYTES - target.offset)), target),
      }),
    },
  ],
  ['notices are not given', 'a mapping that ends clears', noticing(() => {})],
  [
    'a notice clears the byte and sends no event',
    'a mapping that ends clears',
    noticing((right, mapping, { clearByte }) => {
      right.notifyOnUnmap(mapping, clearByte === undefined ? {} : { clearByte })
    }),
  ],
  [
    'an empty notice leaves the one before',
    'a notice takes the place',
    noticing((right, mapping, notice) => {
      if (Object.keys(notice).length > 0) right.notifyOnUnmap(mapping, notice)
    }),
  ],
  [
    'a notice that cannot be given is accepted',
    'a notice through a read-only mapping',
    noticing((right, mapping, notice) => {
      forgiving(
        () => right.notifyOnUnmap(mapping, notice),
        () => {},
      )()
    }),
  ],
]
