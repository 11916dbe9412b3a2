/** What needs Node: XenStore's Unix socket. */
export { SocketChannel } from './node/socket-channel.js'
export { xenstoreSocketPath } from './node/xenstore-socket-path.js'
