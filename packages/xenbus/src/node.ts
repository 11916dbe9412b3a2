/** What needs Node: XenStore's Unix socket, and the host's timers for who has no Platform. */
export { hostClock } from './node/host-clock.js'
export { hostPacing } from './node/host-pacing.js'
export { SocketChannel } from './node/socket-channel.js'
export { xenstoreSocketPath } from './node/xenstore-socket-path.js'
