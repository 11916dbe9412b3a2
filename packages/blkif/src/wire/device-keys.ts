import { defaultingTo, enumKey, flag, keySet, numberKey, optionalKey, textKey, u32Key } from '@split-driver/xenbus'
import {
  DEVICE_TYPE,
  DISCARD_ALIGNMENT,
  DISCARD_ENABLE,
  DISCARD_GRANULARITY,
  DISCARD_SECURE,
  FEATURE_BARRIER,
  FEATURE_DISCARD,
  FEATURE_FLUSH_CACHE,
  FEATURE_MAX_INDIRECT_SEGMENTS,
  FEATURE_PERSISTENT,
  INFO,
  MAX_RING_PAGE_ORDER,
  MAX_RING_PAGES,
  MODE,
  PARAMS,
  PHYSICAL_SECTOR_SIZE,
  SECTOR_SIZE,
  SECTORS,
  TRUSTED,
  TYPE,
  VIRTUAL_DEVICE,
} from './keys.js'

/** Largest order of ring pages that makes sense here: 16 pages, 512 slots; the largest that Linux offers, too. */
export const MAX_ORDER = 4

/** What the toolstack tells the backend, in the backend's own directory. */
export const diskKeys = keySet({
  [MODE]: enumKey(['r', 'w']),
  [PARAMS]: textKey(''),
  [TYPE]: textKey(''),
  [DEVICE_TYPE]: textKey('disk'),
  [DISCARD_ENABLE]: flag(true),
})

/** What the frontend tells of itself. */
export const frontendFeatureKeys = keySet({ [FEATURE_PERSISTENT]: flag(false) })

/** What the toolstack tells the frontend of its device. */
export const ownDeviceKeys = keySet({
  [VIRTUAL_DEVICE]: optionalKey(numberKey(0, 2 ** 29 - 1)),
  [TRUSTED]: flag(true),
})

/** What the backend offers before a ring is there. */
export const offerKeys = keySet({
  [MAX_RING_PAGE_ORDER]: numberKey(0, 31, 0),
  [MAX_RING_PAGES]: numberKey(1, 2 ** 31, 1),
})

/** Sectors are always counted in 512 bytes; this many bytes are still counted exactly. */
const MAX_SECTORS = 2 ** 44 - 1

/** What the backend tells of its disk when it is connected, with the protocol's defaults (rule 24). */
export const geometryKeys = keySet({
  [SECTORS]: numberKey(0, MAX_SECTORS),
  [SECTOR_SIZE]: numberKey(512, 2 ** 30, 512),
  [PHYSICAL_SECTOR_SIZE]: defaultingTo(SECTOR_SIZE, numberKey(512, 2 ** 30)),
  [INFO]: u32Key(0),
  [FEATURE_FLUSH_CACHE]: flag(false),
  [FEATURE_BARRIER]: flag(false),
  [FEATURE_MAX_INDIRECT_SEGMENTS]: u32Key(0),
  [FEATURE_DISCARD]: flag(false),
  [DISCARD_GRANULARITY]: defaultingTo(SECTOR_SIZE, u32Key()),
  [DISCARD_ALIGNMENT]: u32Key(0),
  [DISCARD_SECURE]: flag(false),
})
