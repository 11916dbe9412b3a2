/**
 * The number of an ioctl that all Xen nodes build the same way: no direction, whatever goes in or out.
 * @param type one character, the node's
 * @param bytes `sizeof` the argument
 * @see asm-generic/ioctl.h _IOC with _IOC_NONE, as on x86 and Arm
 */
export const ioctlNumber = (type: string, nr: number, bytes: number): number =>
  (bytes << 16) | (type.charCodeAt(0) << 8) | nr
