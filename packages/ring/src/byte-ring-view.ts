import type { Field } from '@split-driver/abi'
import { flexRingBytes } from './indices.js'

/** One direction of a byte ring: where its bytes lie and where its two indices are. */
export interface ByteStream {
  /** First byte in the memory that holds the data. */
  readonly offset: number
  /** Bytes it can hold; a power of two. */
  readonly bytes: number
  /** Word of the reader's index in the memory that holds the indices. */
  readonly cons: number
  /** Word of the writer's index. */
  readonly prod: number
}

/** A byte ring as one of its two ends sees it. */
export interface ByteRingView {
  /** What this end reads. */
  readonly reads: ByteStream
  /** What this end writes. */
  readonly writes: ByteStream
}

/** The other end's view of the same ring. */
export const reversed = (view: ByteRingView): ByteRingView => ({ reads: view.writes, writes: view.reads })

/** A direction whose bytes and indices are fields of one struct. */
export const streamOf = (data: Field<unknown>, cons: Field<number>, prod: Field<number>): ByteStream => ({
  offset: data.offset,
  bytes: data.bytes,
  cons: cons.word,
  prod: prod.word,
})

/**
 * A flexible ring as the frontend sees it: half of the data pages each way, `in` first; the indices lie in a page of
 * their own (rule 10).
 * @param order of the data pages; each direction holds 1 << (order + 11) bytes
 * @see xen/include/public/io/ring.h DEFINE_XEN_FLEX_RING
 */
export const flexRingView = (order: number, indices: FlexIndices): ByteRingView => {
  const bytes = flexRingBytes(order)
  const { inCons, inProd, outCons, outProd } = indices
  return {
    reads: { offset: 0, bytes, cons: inCons.word, prod: inProd.word },
    writes: { offset: bytes, bytes, cons: outCons.word, prod: outProd.word },
  }
}

/** Where a protocol keeps the indices of its flexible rings; `flexRingInterface.at` unless it says otherwise. */
export interface FlexIndices {
  readonly inCons: Field<number>
  readonly inProd: Field<number>
  readonly outCons: Field<number>
  readonly outProd: Field<number>
}
