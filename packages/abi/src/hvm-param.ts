/** Where an HVM guest asks for what a PV guest finds in start_info. @see xen/include/public/hvm/params.h HVM_PARAM_* */
export const HvmParam = {
  StorePfn: 1,
  StoreEvtchn: 2,
  ConsolePfn: 17,
  ConsoleEvtchn: 18,
} as const

export type HvmParam = (typeof HvmParam)[keyof typeof HvmParam]
