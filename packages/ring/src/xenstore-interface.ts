import { bytes, struct, u32 } from '@split-driver/abi'
import { type ByteRingView, streamOf } from './byte-ring-view.js'

/** XenStore's ring page (rule 54). @see xen/include/public/io/xs_wire.h struct xenstore_domain_interface */
export const xenstoreDomainInterface = struct('xenstore_domain_interface', 2076, {
  req: bytes(0, 1024),
  rsp: bytes(1024, 1024),
  reqCons: u32(2048),
  reqProd: u32(2052),
  rspCons: u32(2056),
  rspProd: u32(2060),
  serverFeatures: u32(2064),
  connection: u32(2068),
  error: u32(2072),
})

const { at } = xenstoreDomainInterface

/** The guest writes `req` and reads `rsp`; the daemon's view is this one `reversed`. */
export const xenstoreRingView: ByteRingView = {
  reads: streamOf(at.rsp, at.rspCons, at.rspProd),
  writes: streamOf(at.req, at.reqCons, at.reqProd),
}
