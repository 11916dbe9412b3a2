import type { Domid, Port, Virq } from '@split-driver/abi'
import type { EventOutcome } from './event-outcome.js'

/**
 * The event channels of one domain. Shaped after /dev/xen/evtchn: a port that has been delivered stays masked until its
 * handler says that the work is done (`eoi`), so a peer that floods us costs one delivery per turn of our own.
 */
export interface EventChannels {
  /** A new port that `remoteDomid` may bind to; nobody looks whether there is such a domain yet. @throws XenError ENOSPC */
  bindUnboundPort(remoteDomid: Domid): Port
  /**
   * Connects to a port that `remoteDomid` left unbound for us. The new local port is pending once (rule 62).
   * @throws XenError EINVAL if that port is not unbound or names another domain; ENOSPC ESRCH
   */
  bindInterdomain(remoteDomid: Domid, remotePort: Port): Port
  /** A port for a virtual interrupt. @throws XenError EEXIST if it is bound already; EINVAL ENOSPC */
  bindVirq(virq: Virq): Port
  /** A port through which this domain wakes itself. @throws XenError ENOSPC */
  bindIpi(): Port

  /** Raises the event at the other end. To a port whose peer is gone: silently nothing. @throws XenError EINVAL */
  notify(port: Port): void

  /**
   * Calls `handler` on each delivery of `port`, one listener a port. A port is delivered at once if it is pending.
   * The handler must not throw; it calls `eoi(port)` after its work, then and not before the port can be delivered again.
   * @throws XenError EBUSY if the port has a listener, EINVAL if it is not ours
   */
  listen(port: Port, handler: (port: Port) => void): void

  /**
   * End of interrupt: the work for `port` is done. Looks for events that came meanwhile, at once or, where a peer sends
   * more than it has work for, somewhat later; none is lost.
   * @param outcome whether there was any work; `worked` unless given
   */
  eoi(port: Port, outcome?: EventOutcome): void

  /** Delivery stops until `unmask`; events are kept. Counts apart from the masking between delivery and `eoi`. */
  mask(port: Port): void
  /** Undoes `mask` and delivers at once what came meanwhile, however much it was: as one event or as two. */
  unmask(port: Port): void

  /** Closes our end; the peer's end becomes unbound. Nothing is delivered after this returns. @throws XenError EINVAL */
  unbind(port: Port): void
}
