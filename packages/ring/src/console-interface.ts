import { bytes, struct, u32 } from '@split-driver/abi'
import { type ByteRingView, streamOf } from './byte-ring-view.js'

/** The console's ring page (rule 57). @see xen/include/public/io/console.h struct xencons_interface */
export const xenconsInterface = struct('xencons_interface', 3088, {
  in: bytes(0, 1024),
  out: bytes(1024, 2048),
  inCons: u32(3072),
  inProd: u32(3076),
  outCons: u32(3080),
  outProd: u32(3084),
})

const { at } = xenconsInterface

/** The guest reads `in` and writes `out`; the console daemon's view is this one `reversed`. */
export const consoleRingView: ByteRingView = {
  reads: streamOf(at.in, at.inCons, at.inProd),
  writes: streamOf(at.out, at.outCons, at.outProd),
}
