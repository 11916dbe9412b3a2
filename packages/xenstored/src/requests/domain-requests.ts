import { DOMID_SELF, type Port, XenError } from '@split-driver/abi'
import { domainPath, okBody, packStrings, type WireError, wireError } from '@split-driver/xenbus'
import { decimal, domidOf, frameOf, onlyString, stringsOf } from './arguments.js'
import type { Handler } from './exchange.js'

/** Ports are 17 bits wide at most. @see event_channel.h EVTCHN_FIFO_NR_CHANNELS */
const PORT_LIMIT = 1 << 17

/** The frame is not needed: the page is mapped by its grant. */
export const introduce: Handler = ({ host, body, respond }) => {
  const [domidBytes, frameBytes, portBytes] = stringsOf(body)
  const domid = domidOf(domidBytes)
  const frame = frameOf(frameBytes)
  const port = decimal(portBytes)
  if (domid === undefined || frame === undefined || !(port > 0 && port < PORT_LIMIT)) return 'EINVAL'
  const error = attempt(() => host.domains.introduce(domid, frame, port as Port))
  if (error === undefined) respond(okBody())
  return error
}

export const release: Handler = ({ host, body, respond }) => {
  const domid = domidOf(onlyString(body))
  if (domid === undefined) return 'EINVAL'
  const error = attempt(() => host.domains.release(domid))
  if (error === undefined) respond(okBody())
  return error
}

/** The domain runs again: that it shuts down is to be told once more. */
export const resume: Handler = ({ host, body, respond }) => {
  const domid = domidOf(onlyString(body))
  if (domid === undefined) return 'EINVAL'
  const error = attempt(() => host.domains.resume(domid))
  if (error === undefined) respond(okBody())
  return error
}

/** From now on the first may do whatever the second may, as a device model does for its guest. */
export const setTarget: Handler = ({ host, body, respond }) => {
  const [domid, target] = stringsOf(body).slice(0, 2).map(domidOf)
  if (domid === undefined || target === undefined) return 'EINVAL'
  if (!host.domains.isIntroduced(domid) || !host.domains.isIntroduced(target)) return 'ENOENT'
  host.records.of(domid).target = host.records.of(target)
  host.recorder?.target(domid, target)
  respond(okBody())
  return undefined
}

export const isDomainIntroduced: Handler = ({ host, body, respond }) => {
  const text = onlyString(body)
  const domid = decimal(text) === DOMID_SELF ? DOMID_SELF : domidOf(text)
  if (domid === undefined) return 'EINVAL'
  respond(packStrings(domid === DOMID_SELF || host.domains.isIntroduced(domid) ? 'T' : 'F'))
  return undefined
}

export const getDomainPath: Handler = ({ body, respond }) => {
  const domid = domidOf(onlyString(body))
  if (domid === undefined) return 'EINVAL'
  respond(packStrings(domainPath(domid)))
  return undefined
}

/** What the hypervisor refused becomes the error that is answered. */
const attempt = (action: () => void): WireError | undefined => {
  try {
    action()
    return undefined
  } catch (error) {
    if (XenError.is(error)) return wireError(error.code)
    throw error
  }
}
