import { type Domid, type Port, XenError } from '@split-driver/abi'
import type { InheritedPorts } from '@split-driver/evtchn'
import type { PrivcmdEventChannels } from './event-channels.js'
import type { Hypercalls } from './hypercalls.js'

/** Ports that are bound by the open node that a program left to the next; Xen says what is at their other ends. */
export class PrivcmdInheritedPorts implements InheritedPorts {
  readonly #self: Domid
  readonly #events: PrivcmdEventChannels
  readonly #hypercalls: Hypercalls

  constructor(self: Domid, events: PrivcmdEventChannels, hypercalls: Hypercalls) {
    this.#self = self
    this.#events = events
    this.#hypercalls = hypercalls
  }

  /** Xen knows nothing of nodes: the kernel refuses the event if another than this one has the port. */
  adopt(remoteDomid: Domid, port: Port): Port | undefined {
    const status = this.#hypercalls.eventChannelStatus(this.#self, port)
    const isToPeer =
      (status.state === 'interdomain' || status.state === 'unbound') && status.remoteDomid === remoteDomid
    if (!isToPeer)
      throw new XenError('EINVAL', `port ${port} does not lead to domain ${remoteDomid}`, {
        detail: { port, ...status },
      })
    this.#events.notify(port)
    this.#events.adopt(port, remoteDomid)
    return status.state === 'interdomain' ? status.remotePort : undefined
  }
}
