export { peerPackages } from './peer-packages.js'
export { type OriginalDaemon, type PeerName, startPeer } from './start-peer.js'
export { type ToolOutcome, XenTools } from './xen-tools.js'
