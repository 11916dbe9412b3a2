import { i16, type Layout, struct, u8, u64 } from '@split-driver/abi'
import { type RequestLayouts, requestLayouts } from './request-layouts.js'

/** Values of the frontend's `protocol` key. @see xen/include/public/io/protocols.h */
export type ProtocolName = 'x86_64-abi' | 'x86_32-abi' | 'arm-abi'

/** How the guest's machine lays out requests and responses (rule 13). Each layout's fields bear the header's names. */
export interface BlkifAbi extends RequestLayouts {
  /** What the frontend writes to `protocol`. */
  readonly protocol: ProtocolName
  readonly response: Layout<ResponseFields>
  /** Bytes of one ring slot: the larger of request and response. */
  readonly slotBytes: number
}

/** The same in every ABI, but for the padding at the end: 16 bytes, on i386 12. @see blkif.h blkif_response */
const responseFields = () => ({ id: u64(0), operation: u8(8), status: i16(10) })

type ResponseFields = ReturnType<typeof responseFields>

const abi = (protocol: ProtocolName, alignment: 4 | 8): BlkifAbi => {
  const layouts = requestLayouts(alignment)
  return {
    protocol,
    ...layouts,
    response: struct('blkif_response', alignment === 8 ? 16 : 12, responseFields()),
    slotBytes: layouts.request.bytes,
  }
}

export const X86_64_ABI = abi('x86_64-abi', 8)
export const X86_32_ABI = abi('x86_32-abi', 4)
/** 32- and 64-bit Arm alike: the EABI aligns 64-bit fields to 8 bytes, so the bytes are those of x86_64. */
export const ARM_ABI = abi('arm-abi', 8)

/** What a frontend speaks that wrote no `protocol`: the layout of a 64-bit machine, x86_64 or Arm. */
export const NATIVE_ABI = X86_64_ABI

/** @returns undefined for a name that protocols.h does not know; NATIVE_ABI where the key is absent (rule 24) */
export const abiOf = (protocol: string | undefined): BlkifAbi | undefined => {
  if (protocol === undefined) return NATIVE_ABI
  return [X86_64_ABI, X86_32_ABI, ARM_ABI].find((known) => known.protocol === protocol)
}
