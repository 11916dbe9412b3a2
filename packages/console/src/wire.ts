import type { SharedMemory } from '@split-driver/abi'
import { ByteRing, consoleRingView, reversed, xenconsInterface } from '@split-driver/ring'

/** Bytes that wait at most on their way to the guest. @see xen/include/public/io/console.h xencons_interface.in */
export const CONSOLE_IN_BYTES = xenconsInterface.at.in.bytes

/** Bytes that wait at most on their way from the guest. @see xen/include/public/io/console.h xencons_interface.out */
export const CONSOLE_OUT_BYTES = xenconsInterface.at.out.bytes

/** The ring page as the guest sees it: it reads `in` and writes `out`. */
export const frontendRing = (memory: SharedMemory): ByteRing => new ByteRing(consoleRingView, memory)

/** The same page as the console daemon sees it. */
export const backendRing = (memory: SharedMemory): ByteRing => new ByteRing(reversed(consoleRingView), memory)
