import type { Domid } from '@split-driver/abi'
import {
  type BlkifAbi,
  type BlockStore,
  emptyBackendStats,
  MemoryBlockStore,
  NATIVE_ABI,
  RequestEngine,
} from '@split-driver/blkif'
import { BackRing } from '@split-driver/ring'
import { TransientPages } from '../../src/backend/guest-pages.js'
import { PersistentPages } from '../../src/backend/persistent-pages.js'
import { FakeGrants } from './fake-grants.js'
import { RawFrontend, type RawSegment } from './raw-frontend.js'

export const GUEST = 3 as Domid

export interface EngineBenchOptions {
  readonly abi?: BlkifAbi
  readonly ringPages?: number
  readonly disk?: Uint8Array
  readonly store?: (inner: MemoryBlockStore) => BlockStore
  readonly sectorBytes?: number
  readonly readOnly?: boolean
  readonly maxIndirectSegments?: number
  readonly discard?: { readonly secure: boolean } | undefined
  /** Keeps so many mapped; none unless given. */
  readonly persistentPages?: number
  /** Pages that the guest has. */
  readonly guestPages?: number
}

/** Every byte tells its sector. */
export const patternDisk = (sectors: number): Uint8Array => {
  const disk = new Uint8Array(sectors * 512)
  for (let sector = 0; sector < sectors; sector++) disk.fill(sector + 1, sector * 512, (sector + 1) * 512)
  return disk
}

/** A backend's engine behind a ring whose frontend is the test. */
export const engineBench = (options: EngineBenchOptions = {}) => {
  const { abi = NATIVE_ABI, disk = patternDisk(128), sectorBytes = 512, readOnly = false } = options
  const frontend = new RawFrontend(abi, options.ringPages)
  const grants = new FakeGrants(options.guestPages ?? 64)
  const inner = new MemoryBlockStore(disk, { sectorBytes })
  const store = options.store?.(inner) ?? inner
  const stats = emptyBackendStats()
  const storeErrors: unknown[] = []
  let notifications = 0
  let unblocked = 0
  const pagesOptions = { mapper: grants, remoteDomid: GUEST, stats }
  const { persistentPages: limit } = options
  const pages = limit === undefined ? new TransientPages(pagesOptions) : new PersistentPages({ ...pagesOptions, limit })
  const engine = new RequestEngine({
    ring: BackRing.attach(frontend.memory, abi.slotBytes),
    abi,
    store,
    disk: {
      sectors: store.byteLength / 512,
      sectorsPerBlock: sectorBytes / 512,
      readOnly,
      maxIndirectSegments: options.maxIndirectSegments ?? 0,
      discard: options.discard,
    },
    pages,
    stats,
    notify: () => {
      notifications++
    },
    onUnblocked: () => {
      unblocked++
    },
    onStoreError: (error) => storeErrors.push(error),
  })
  return {
    frontend,
    grants,
    store,
    disk,
    stats,
    engine,
    storeErrors,
    kept: pages,
    notifications: () => notifications,
    unblocked: () => unblocked,
    /** Segments of whole pages, each of a page of its own. */
    pages: (count: number): RawSegment[] => {
      const { refs } = grants.share(GUEST, count, 'writable')
      return refs.map((gref) => ({ gref, first_sect: 0, last_sect: 7 }))
    },
    page: (gref: number) => grants.pageBytes(gref),
  }
}
