import type { UnmapNotice } from '@split-driver/grant'
import type { DeviceNode } from './device-node.js'
import { UnmapNotifyAction, unmapNotify } from './gntdev-ioctl.js'

/**
 * SET_UNMAP_NOTIFY, which gntdev and gntalloc know under numbers of their own.
 * @param index where the pages lie in the node's file, in bytes
 * @throws XenError EINVAL; RangeError if `clearByte` lies outside of the pages
 */
export const setUnmapNotice = (
  node: DeviceNode,
  request: number,
  index: number,
  byteLength: number,
  { clearByte, port }: UnmapNotice,
): void => {
  const byte = clearByte ?? 0
  if (!Number.isInteger(byte) || byte < 0 || byte >= byteLength)
    throw new RangeError(`byte ${byte} lies outside of these ${byteLength} bytes`)
  const clear = clearByte === undefined ? 0 : UnmapNotifyAction.clearByte
  const send = port === undefined ? 0 : UnmapNotifyAction.sendEvent
  const argument = unmapNotify.create({ action: clear | send, eventChannelPort: port ?? 0 })
  unmapNotify.at.index.setNumber(argument, 0, index + byte)
  node.demand(request, argument, 'cannot ask for a notice of unmapping', { clearByte, port })
}
