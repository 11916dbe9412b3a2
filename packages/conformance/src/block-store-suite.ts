import type { BlockStore } from '@split-driver/blkif'
import { assert, assertEqual } from './assert.js'
import { type BlockStoreCase, type BlockStoreOffer, pattern } from './block-store-case.js'
import { blockStoreOptionalCases } from './block-store-optional-cases.js'
import { blockStoreRandomCase } from './block-store-random-case.js'
import { blockStoreTransferCases } from './block-store-transfer-cases.js'

export interface BlockStoreSuiteOptions {
  /** Registers a test with whatever runner there is, such as vitest's `test`. */
  readonly test: (name: string, body: () => Promise<void>) => void
  /** Reports a case about what these stores do not offer. It must be visible: what was not run has not passed. */
  readonly notRun: (name: string, reason: string) => void
  /** What these stores can do besides reads, writes and flushes; each of them must offer exactly that. */
  readonly offers: readonly BlockStoreOffer[]
  /** A store that holds exactly `content`; it is disposed by the suite. */
  readonly factory: (content: Uint8Array, options: BlockStoreRequest) => Promise<BlockStore>
  /** Seed of the random cases, u32; 1 unless given. */
  readonly seed?: number
}

/** What kind of store a case asks for. */
export interface BlockStoreRequest {
  readonly sectorBytes: number
  readonly readOnly: boolean
}

const CASES: readonly BlockStoreCase[] = [...blockStoreTransferCases, ...blockStoreOptionalCases, blockStoreRandomCase]

/** What was left out of `offers` by mistake would not be tested. A read-only store need not say what it could do. */
const assertOffers = (store: BlockStore, offers: readonly BlockStoreOffer[]): void => {
  assertEqual(store.discard === undefined, store.discardUnits === undefined, 'discard without units, or units without')
  const found: Record<BlockStoreOffer, boolean> = {
    discard: store.discard !== undefined,
    'secure discard': store.discardUnits?.secure === true,
    writeZeroes: store.writeZeroes !== undefined,
  }
  for (const [offer, isFound] of Object.entries(found) as [BlockStoreOffer, boolean][])
    assert(store.readOnly || isFound === offers.includes(offer), `${offer} is ${isFound ? 'offered' : 'not offered'}`)
}

/** Every `BlockStore` holds to this, whatever its bytes lie in. */
export const blockStoreSuite = ({ test, notRun, factory, offers, seed = 1 }: BlockStoreSuiteOptions): void => {
  for (const { name, needs, readOnly = false, sectorBytes = 512, content = pattern, run } of CASES) {
    const title = `block store: ${name}`
    if (needs !== undefined && !offers.includes(needs)) {
      notRun(title, `these stores do not offer ${needs}`)
      continue
    }
    test(title, async () => {
      const bytes = content()
      await using store = await factory(bytes.slice(), { sectorBytes, readOnly })
      assertOffers(store, offers)
      await run(store, bytes, seed)
    })
  }
}
