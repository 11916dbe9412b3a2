import { type Domid, domid, XenError } from '@split-driver/abi'
import type { Clock } from '@split-driver/platform'
import { type ByteChannel, type Pacing, XenStoreClient } from '@split-driver/xenbus'
import { SocketChannel } from '@split-driver/xenbus/node'
import { DeviceNode, type ExplainOpening } from './device-node.js'
import type { HostPaths } from './host-paths.js'
import type { SystemCalls } from './system-calls.js'
import { XenbusDeviceChannel } from './xenbus-device-channel.js'

/**
 * How XenStore is reached: by its daemon's Unix socket, or by the kernel's own connection. `auto` takes the socket if a
 * daemon answers there, as libxenstore does. The kernel holds up the whole thread while it registers a watch, and takes
 * bodies of 4080 bytes at most (4096 on the socket).
 */
export type XenStoreRoute = 'auto' | 'socket' | 'device'

export interface XenStoreParts {
  readonly calls: SystemCalls
  readonly paths: HostPaths
  readonly explain: ExplainOpening
}

/**
 * A client that connects anew, by the way that led to XenStore at first, whenever xenstored has gone away.
 * @throws XenError that names what was tried and why it failed
 */
export const openXenStore = (
  route: XenStoreRoute,
  parts: XenStoreParts,
  pacing: Required<Pacing>,
): Promise<XenStoreClient> => {
  let way = route
  const connect = async (): Promise<ByteChannel> => {
    const [taken, channel] = await openWay(way, parts)
    way = taken
    return channel
  }
  return XenStoreClient.open(connect, pacing)
}

/** @throws as `openXenStore` */
export const openXenStoreChannel = async (route: XenStoreRoute, parts: XenStoreParts): Promise<ByteChannel> =>
  (await openWay(route, parts))[1]

/** @returns which way it took, for `auto` is for a beginning: the kernel's node opens also while nobody answers there */
const openWay = async (
  route: XenStoreRoute,
  parts: XenStoreParts,
): Promise<readonly [way: 'socket' | 'device', ByteChannel]> => {
  if (route === 'device') return [route, openDevice(parts)]
  const channel = await openSocket(parts.paths.xenstoreSocket)
  if (!XenError.is(channel)) return ['socket', channel]
  if (route === 'socket') throw channel
  try {
    return ['device', openDevice(parts)]
  } catch (error) {
    if (!XenError.is(error)) throw error
    const why = (refusal: XenError) => refusal.message.replace(`${refusal.code}: `, '')
    // The node first: it knows whether this is a Xen host at all.
    throw new XenError(error.code, `${why(error)}; nor does a socket lead to XenStore: ${why(channel)}`, {
      cause: error,
    })
  }
}

const openDevice = ({ calls, paths, explain }: XenStoreParts): ByteChannel =>
  new XenbusDeviceChannel(DeviceNode.open(calls, paths.xenbus, explain))

const openSocket = async (path: string): Promise<ByteChannel | XenError> => {
  try {
    return await SocketChannel.connect(path)
  } catch (cause) {
    return socketProblem(path, cause as NodeJS.ErrnoException)
  }
}

const socketProblem = (path: string, cause: NodeJS.ErrnoException): XenError => {
  const options = { cause, detail: { path } }
  if (cause.code === 'EACCES' || cause.code === 'EPERM')
    return new XenError('EACCES', `this user may not connect to ${path}; run as root`, options)
  const why = cause.code === 'ENOENT' ? `there is no ${path}` : `nobody answers at ${path} (${cause.code})`
  const advice = 'start xenstored, or name its place in XENSTORED_PATH or XENSTORED_RUNDIR'
  return new XenError('ENOENT', `${why}: xenstored does not run, or has its socket elsewhere; ${advice}`, options)
}

/** Milliseconds in which a XenStore that runs has long answered its first question. */
const PATIENCE_MS = 10_000

/**
 * Which domain we are. XenStore alone tells: its key `domid`, relative to our own folder.
 * @throws XenError ENOENT where the toolstack has not written it, EIO if XenStore does not answer
 */
export const ownDomid = async (store: XenStoreClient, clock: Clock): Promise<Domid> => {
  const text = await withPatience(store.tryRead('domid'), clock)
  if (text === undefined)
    throw new XenError('ENOENT', 'XenStore has no key domid for this domain; in dom0, run xen-init-dom0')
  if (!/^\d{1,5}$/.test(text)) throw new XenError('BAD_KEY', `XenStore's key domid is no number: "${text}"`)
  return domid(Number(text))
}

const withPatience = <T>(answer: Promise<T>, clock: Clock): Promise<T> =>
  new Promise((resolve, reject) => {
    const timer = clock.setTimer(PATIENCE_MS, () => {
      reject(new XenError('EIO', `XenStore has not answered for ${PATIENCE_MS / 1000} s; is xenstored running?`))
    })
    answer.finally(() => timer.cancel()).then(resolve, reject)
  })
