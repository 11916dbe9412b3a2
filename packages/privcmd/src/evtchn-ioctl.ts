import { struct, u32 } from '@split-driver/abi'
import { ioctlNumber } from './ioctl-number.js'

/** What /dev/xen/evtchn is asked. @see xen/sys/evtchn.h */

export const bindVirq = struct('ioctl_evtchn_bind_virq', 4, { virq: u32(0) })

export const bindInterdomain = struct('ioctl_evtchn_bind_interdomain', 8, { remoteDomain: u32(0), remotePort: u32(4) })

export const bindUnboundPort = struct('ioctl_evtchn_bind_unbound_port', 4, { remoteDomain: u32(0) })

export const unbindPort = struct('ioctl_evtchn_unbind', 4, { port: u32(0) })

export const notifyPort = struct('ioctl_evtchn_notify', 4, { port: u32(0) })

/** The three that bind answer with the local port. */
export const EvtchnRequest = {
  BindVirq: ioctlNumber('E', 0, bindVirq.bytes),
  BindInterdomain: ioctlNumber('E', 1, bindInterdomain.bytes),
  BindUnboundPort: ioctlNumber('E', 2, bindUnboundPort.bytes),
  Unbind: ioctlNumber('E', 3, unbindPort.bytes),
  Notify: ioctlNumber('E', 4, notifyPort.bytes),
  /** Empties the buffer of delivered ports and clears its overflow; the ports it held stay masked. No argument. */
  Reset: ioctlNumber('E', 5, 0),
} as const

/** Bytes of one port as `read` gives and `write` takes it. */
export const PORT_BYTES = 4
