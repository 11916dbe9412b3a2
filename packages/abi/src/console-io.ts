/** The emergency console. @see xen/include/public/xen.h CONSOLEIO_* */
export const ConsoleIoOp = { Write: 0, Read: 1 } as const
