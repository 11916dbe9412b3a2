import { array, struct, u8, u16, u32, u64 } from '@split-driver/abi'
import { MAX_INDIRECT_PAGES, MAX_SEGMENTS } from './operations.js'

/** One piece of a page: sectors `first_sect` to `last_sect`, inclusive. @see blkif.h blkif_request_segment */
export const segmentLayout = struct('blkif_request_segment', 8, {
  gref: u32(0),
  first_sect: u8(4),
  last_sect: u8(5),
})

const grefLayout = struct('grant_ref_t', 4, { gref: u32(0) })

/**
 * The requests of one machine ABI. The ABIs differ in one thing: where C puts a 64-bit field. With 8-byte alignment `id`
 * lies at 8; i386 aligns it to 4. All later fields follow from that.
 * @param id offset of the request's `id`
 */
export const requestLayouts = (id: 4 | 8) => {
  const sector = id + 8
  const rest = sector + 8
  return {
    request: struct('blkif_request', rest + MAX_SEGMENTS * segmentLayout.bytes, {
      operation: u8(0),
      nr_segments: u8(1),
      handle: u16(2),
      id: u64(id),
      sector_number: u64(sector),
      seg: array(rest, MAX_SEGMENTS, segmentLayout),
    }),
    discard: struct('blkif_request_discard', rest + 8, {
      operation: u8(0),
      flag: u8(1),
      handle: u16(2),
      id: u64(id),
      sector_number: u64(sector),
      nr_sectors: u64(rest),
    }),
    indirect: struct('blkif_request_indirect', 64, {
      operation: u8(0),
      indirect_op: u8(1),
      nr_segments: u16(2),
      id: u64(id),
      sector_number: u64(sector),
      handle: u16(rest),
      indirect_grefs: array(rest + 4, MAX_INDIRECT_PAGES, grefLayout),
    }),
  }
}

export type RequestLayouts = ReturnType<typeof requestLayouts>
