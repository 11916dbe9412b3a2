import { type GrantRef, type Port, XenError } from '@split-driver/abi'
import {
  enumKey,
  grantRefKey,
  type KeySet,
  type KeyShapes,
  type KeysToWrite,
  type KeyValues,
  keySet,
  numberKey,
  optionalKey,
  portKey,
} from '@split-driver/xenbus'
import { ARM_ABI, abiOf, type BlkifAbi, X86_32_ABI, X86_64_ABI } from './blkif-abi.js'
import { EVENT_CHANNEL, NUM_RING_PAGES, PROTOCOL, RING_PAGE_ORDER, RING_REF, ringRef } from './keys.js'

/** What a frontend tells of one ring and its port. */
export interface RingAddress {
  readonly abi: BlkifAbi
  /** One a page; 1, 2, 4, … */
  readonly refs: readonly GrantRef[]
  readonly port: Port
}

/** Reads keys of the frontend's directory. */
export type ReadKeys = <Shapes extends KeyShapes>(keys: KeySet<Shapes>) => Promise<KeyValues<Shapes>>

/** The keys that publish a ring (rule 25): both forms of its size, for backends that know only the older one. */
export const formatRingAddress = ({ abi, refs, port }: RingAddress): KeysToWrite => {
  const common = { [EVENT_CHANNEL]: port, [PROTOCOL]: abi.protocol }
  if (refs.length === 1) return { ...common, [RING_REF]: refs[0]! }
  return {
    ...common,
    [RING_PAGE_ORDER]: Math.log2(refs.length),
    [NUM_RING_PAGES]: refs.length,
    ...Object.fromEntries(refs.map((ref, page) => [ringRef(page), ref])),
  }
}

/**
 * Reads and judges what a frontend published.
 * @param maxOrder the largest ring that was offered
 * @throws XenError ENOENT, BAD_KEY: naming the key
 */
export const readRingAddress = async (read: ReadKeys, maxOrder: number): Promise<RingAddress> => {
  const keys = await read(addressKeys(maxOrder))
  const pages = ringPages(keys[RING_PAGE_ORDER], keys[NUM_RING_PAGES])
  return { abi: abiOf(keys[PROTOCOL])!, port: keys[EVENT_CHANNEL], refs: await readRefs(read, pages) }
}

const addressKeys = (maxOrder: number) =>
  keySet({
    [EVENT_CHANNEL]: portKey(),
    [PROTOCOL]: optionalKey(enumKey([X86_64_ABI.protocol, X86_32_ABI.protocol, ARM_ABI.protocol])),
    [RING_PAGE_ORDER]: optionalKey(numberKey(0, maxOrder)),
    [NUM_RING_PAGES]: optionalKey(numberKey(1, 1 << maxOrder)),
  })

const ringPages = (order: number | undefined, pages: number | undefined): number => {
  const detail = { [RING_PAGE_ORDER]: order, [NUM_RING_PAGES]: pages }
  const told = pages ?? 1 << (order ?? 0)
  if ((told & (told - 1)) !== 0)
    throw new XenError('BAD_KEY', `${NUM_RING_PAGES} is ${told}; expected a power of two`, { detail })
  if (order !== undefined && told !== 1 << order)
    throw new XenError('BAD_KEY', `${NUM_RING_PAGES} is ${told}, but ${RING_PAGE_ORDER} is ${order}`, { detail })
  return told
}

/** A single page is `ring-ref`; frontends that wrote `ring-page-order` 0 may have called it `ring-ref0`. */
const readRefs = async (read: ReadKeys, pages: number): Promise<GrantRef[]> => {
  if (pages === 1) {
    const { [RING_REF]: only } = await read(keySet({ [RING_REF]: optionalKey(grantRefKey()) }))
    if (only !== undefined) return [only]
    const { [ringRef(0)]: first } = await read(keySet({ [ringRef(0)]: optionalKey(grantRefKey()) }))
    if (first !== undefined) return [first]
    const { [RING_REF]: missing } = await read(keySet({ [RING_REF]: grantRefKey() }))
    return [missing]
  }
  const names = Array.from({ length: pages }, (_, page) => ringRef(page))
  const refs = await read(keySet(Object.fromEntries(names.map((name) => [name, grantRefKey()]))))
  return names.map((name) => refs[name]!)
}
