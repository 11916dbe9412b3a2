export { NbdPeer, type NbdService, nbdkitPart } from './nbd-peer.js'
