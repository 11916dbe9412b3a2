export { BackRing } from './back-ring.js'
export { ByteRing } from './byte-ring.js'
export {
  type ByteRingView,
  type ByteStream,
  type FlexIndices,
  flexRingView,
  reversed,
  streamOf,
} from './byte-ring-view.js'
export { consoleRingView, xenconsInterface } from './console-interface.js'
export { type Drained, drainRequests, drainResponses } from './drain.js'
export { flexRingInterface } from './flex-ring-interface.js'
export { FrontRing } from './front-ring.js'
export { after, distance, flexRingBytes, HEADER_WORDS, mustNotify, ringSizeOf } from './indices.js'
export { PeerProgress } from './peer-progress.js'
export { initialiseHeader, RING_BROKEN, sringHeader } from './shared-header.js'
export { xenstoreDomainInterface, xenstoreRingView } from './xenstore-interface.js'
