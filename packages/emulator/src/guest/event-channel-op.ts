import type { Domid, Port, Virq } from '@split-driver/abi'
import type { ChannelStatus } from '../hypervisor/event-channel-calls.js'
import type { ControlBlock } from '../hypervisor/event-control-calls.js'
import type { Hypercalls } from '../machine.js'

/**
 * HYPERVISOR_event_channel_op, by the names of its commands, for a guest that keeps its ports by itself. `Platform.events` is
 * what a driver takes: it knows nothing of ports that are opened here.
 * @see xen/include/public/event_channel.h EVTCHNOP_*
 */
export interface EventChannelOp {
  /** @throws XenError ESRCH EPERM ENOSPC ENOMEM EINVAL */
  allocUnbound(domid: Domid, remoteDomid: Domid): Port
  /** @throws XenError ESRCH EINVAL ENOSPC ENOMEM */
  bindInterdomain(remoteDomid: Domid, remotePort: Port): Port
  /** @throws XenError EINVAL ENOENT EEXIST ENOSPC ENOMEM */
  bindVirq(virq: Virq, vcpu: number): Port
  /** @throws XenError ENOENT ENOSPC ENOMEM */
  bindIpi(vcpu: number): Port
  /** @throws XenError ENOENT EINVAL */
  bindVcpu(port: Port, vcpu: number): void
  /** @throws XenError EINVAL */
  close(port: Port): void
  /** @throws XenError EINVAL */
  send(port: Port): void
  /** @throws XenError ESRCH EINVAL EPERM */
  status(domid: Domid, port: Port): ChannelStatus
  /** @throws XenError EINVAL */
  unmask(port: Port): void
  /** @throws XenError ESRCH EPERM EINVAL EBUSY EAGAIN */
  reset(domid: Domid): void
  /** @throws XenError ENOENT EINVAL */
  initControl(block: ControlBlock): void
  /** @throws XenError EOPNOTSUPP ENOSPC EINVAL */
  expandArray(frame: number): void
  /** @throws XenError ENOSYS EINVAL EACCES */
  setPriority(port: Port, priority: number): void
}

/** One domain's. */
export const eventChannelOp = (
  domid: Domid,
  { channels, eventControl }: Pick<Hypercalls, 'channels' | 'eventControl'>,
): EventChannelOp => ({
  allocUnbound: (owner, remoteDomid) => channels.allocUnbound(domid, owner, remoteDomid),
  bindInterdomain: (remoteDomid, remotePort) => channels.bindInterdomain(domid, remoteDomid, remotePort),
  bindVirq: (virq, vcpu) => channels.bindVirq(domid, virq, vcpu),
  bindIpi: (vcpu) => channels.bindIpi(domid, vcpu),
  bindVcpu: (port, vcpu) => channels.bindVcpu(domid, port, vcpu),
  close: (port) => channels.close(domid, port),
  send: (port) => channels.send(domid, port),
  status: (owner, port) => channels.status(domid, owner, port),
  unmask: (port) => channels.unmask(domid, port),
  reset: (owner) => eventControl.reset(domid, owner),
  initControl: (block) => eventControl.initControl(domid, block),
  expandArray: (frame) => eventControl.expandArray(domid, frame),
  setPriority: (port, priority) => eventControl.setPriority(domid, port, priority),
})
