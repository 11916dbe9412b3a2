import { struct, u32 } from '@split-driver/abi'

/**
 * The index page of a flexible ring, up to its array of grant references at byte 132.
 * @see xen/include/public/io/ring.h DEFINE_XEN_FLEX_RING_AND_INTF struct name##_data_intf
 */
export const flexRingInterface = struct('xen_flex_data_intf', 132, {
  inCons: u32(0),
  inProd: u32(4),
  outCons: u32(64),
  outProd: u32(68),
  ringOrder: u32(128),
})
