import { u16, u32, u64 } from './fields.js'
import { struct } from './layout.js'

/** Where an HVM guest asks for what a PV guest finds in start_info. @see xen/include/public/hvm/params.h HVM_PARAM_* */
export const HvmParam = {
  StorePfn: 1,
  StoreEvtchn: 2,
  ConsolePfn: 17,
  ConsoleEvtchn: 18,
} as const

export type HvmParam = (typeof HvmParam)[keyof typeof HvmParam]

/** @see xen/include/public/hvm/hvm_op.h HVMOP_* */
export const HvmOp = { SetParam: 0, GetParam: 1 } as const

/** @see xen/include/public/hvm/hvm_op.h xen_hvm_param */
export const XenHvmParam = struct('xen_hvm_param', 16, {
  domid: u16(0),
  pad: u16(2),
  index: u32(4),
  value: u64(8),
})
