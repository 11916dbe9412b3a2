import { defaultingTo, enumKey, flag, keySet, numberKey, optionalKey, textKey, u32Key } from '@split-driver/xenbus'
import {
  DEVICE_TYPE,
  FEATURE_BARRIER,
  FEATURE_FLUSH_CACHE,
  INFO,
  MAX_RING_PAGE_ORDER,
  MAX_RING_PAGES,
  MODE,
  PARAMS,
  PHYSICAL_SECTOR_SIZE,
  SECTOR_SIZE,
  SECTORS,
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
})

/** What the toolstack tells the frontend of the device's number. */
export const virtualDeviceKeys = keySet({ [VIRTUAL_DEVICE]: optionalKey(numberKey(0, 2 ** 29 - 1)) })

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
})
