/** @see glibc's sysmacros.h gnu_dev_major, for the numbers below 2³² that a double and a 12-bit major can carry */
export const major = (device: number): number => (device >>> 8) & 0xfff

export const minor = (device: number): number => ((device >>> 12) & 0xfff00) | (device & 0xff)
