import type { Domid, Port, Virq } from '@split-driver/abi'
import {
  type EventChannels,
  type EventClock,
  type EventOutcome,
  type PortBequest,
  PortDispatcher,
  type PortMasking,
} from '@split-driver/evtchn'
import type { DeviceNode } from './device-node.js'
import { bindInterdomain, bindUnboundPort, bindVirq, EvtchnRequest, notifyPort, unbindPort } from './evtchn-ioctl.js'
import { nextTurn } from './host-clock.js'
import { PortBuffer } from './port-buffer.js'

/**
 * Who takes events off the node: the event loop, in turns of its own; or a thread that has nothing else to do and blocks
 * in `waitForEvents`.
 */
export type Delivery = 'event-loop' | 'blocking'

/** Ports delivered in one turn before timers and other descriptors have theirs. */
const TURN_BUDGET = 256

/**
 * Event channels over /dev/xen/evtchn. A port that was read is masked by the kernel until it is written back, which is the
 * end of its interrupt: a peer that floods us costs one delivery per turn of our own (hostile row E1).
 */
export class PrivcmdEventChannels implements EventChannels, PortBequest, Disposable {
  readonly #node: DeviceNode
  readonly #buffer: PortBuffer
  readonly #dispatcher: PortDispatcher
  /** By the port that an IPI is known by: its other end. */
  readonly #ipis = new Map<Port, Port>()
  readonly #self: Domid
  readonly #clock: EventClock
  readonly #watching: Disposable | undefined
  readonly #notifyArgument = new Int32Array(notifyPort.words)
  readonly #notifyBytes = new Uint8Array(this.#notifyArgument.buffer)
  #turnDue = false

  /**
   * @param self the domain this process runs in
   * @param clock for the delays of peers that send events without work
   */
  constructor(node: DeviceNode, self: Domid, delivery: Delivery, clock: EventClock) {
    this.#node = node
    this.#self = self
    this.#buffer = new PortBuffer(node)
    const masking: PortMasking = {
      mask: () => {}, // The node cannot mask; the dispatcher holds what comes, and the kernel masks what it has given out.
      unmask: (port) => {
        this.#buffer.giveBack(port)
        return false
      },
    }
    this.#clock = clock
    this.#dispatcher = new PortDispatcher(masking, () => {}, { clock })
    if (delivery === 'event-loop') this.#watching = node.whenReadable(() => this.#turn())
  }

  bindUnboundPort(remoteDomid: Domid): Port {
    return this.#opened(this.#bindUnbound(remoteDomid), remoteDomid)
  }

  bindInterdomain(remoteDomid: Domid, remotePort: Port): Port {
    return this.#opened(this.#bindInterdomain(remoteDomid, remotePort), remoteDomid)
  }

  bindVirq(virq: Virq): Port {
    return this.#opened(this.#bind(EvtchnRequest.BindVirq, bindVirq.create({ virq }), `virtual interrupt ${virq}`))
  }

  /** A port that is bound by this node though this program did not bind it. It is pending once. @throws XenError EEXIST */
  adopt(port: Port, remoteDomid: Domid): void {
    this.#opened(port, remoteDomid)
    this.#buffer.fill([port])
    this.#turnSoon()
  }

  bequeath(): number {
    this.#buffer.giveAllBack()
    return this.#node.fd
  }

  /** The node has no such call: a channel between two ports of our own does the same, and takes both. */
  bindIpi(): Port {
    const self = this.#self
    const port = this.#bindUnbound(self)
    try {
      this.#ipis.set(port, this.#bindInterdomain(self, port))
    } catch (error) {
      this.#close(port)
      throw error
    }
    return this.#opened(port)
  }

  notify(port: Port): void {
    const from = this.#ipis.get(port) ?? port
    notifyPort.at.port.set(this.#notifyArgument, 0, from)
    try {
      this.#node.ioctl(EvtchnRequest.Notify, this.#notifyBytes)
    } catch (error) {
      throw this.#node.refusal(error, `cannot notify port ${port}`, { port })
    }
  }

  listen(port: Port, handler: (port: Port) => void): void {
    this.#dispatcher.listen(port, handler)
  }

  eoi(port: Port, outcome?: EventOutcome): void {
    if (!this.#node.closed) this.#dispatcher.eoi(port, outcome)
  }

  mask(port: Port): void {
    this.#dispatcher.mask(port)
  }

  unmask(port: Port): void {
    this.#dispatcher.unmask(port)
  }

  unbind(port: Port): void {
    this.#dispatcher.close(port)
    const source = this.#ipis.get(port)
    this.#ipis.delete(port)
    this.#close(port)
    if (source !== undefined) this.#close(source)
    if (this.#buffer.forget(port, source)) this.#turnSoon()
  }

  /** The ports that are open, in the order they were bound. */
  openPorts(): readonly Port[] {
    return this.#dispatcher.openPorts()
  }

  /**
   * Blocks this thread until an event comes, and delivers what there is. Handlers run inside of this call.
   * @returns how many ports were delivered; 0 when `milliseconds` passed, or a signal came, first
   * @throws TypeError unless the platform was opened with `delivery: 'blocking'`
   */
  waitForEvents(milliseconds: number): number {
    if (this.#watching)
      throw new TypeError('events come by the event loop: open with delivery: "blocking" to wait here')
    const began = this.#clock.now()
    for (let left = milliseconds; ; left = Math.max(0, began + milliseconds - this.#clock.now())) {
      const untilDelay = this.#dispatcher.endDelays()
      if (this.#buffer.size > 0 || this.#node.waitReadable(Math.min(left, untilDelay))) return this.#deliver()
      if (left <= untilDelay) return 0
    }
  }

  /** Unbinds every port and closes the node. Idempotent; nothing is delivered after this. */
  [Symbol.dispose](): void {
    if (this.#node.closed) return
    this.#watching?.[Symbol.dispose]()
    for (const port of this.#dispatcher.openPorts()) this.#dispatcher.close(port)
    this.#dispatcher.stop()
    this.#buffer.clear()
    this.#ipis.clear()
    this.#node.close()
  }

  #bindUnbound(remoteDomain: Domid): Port {
    const argument = bindUnboundPort.create({ remoteDomain })
    return this.#bind(EvtchnRequest.BindUnboundPort, argument, `a port for domain ${remoteDomain}`)
  }

  #bindInterdomain(remoteDomain: Domid, remotePort: Port): Port {
    const argument = bindInterdomain.create({ remoteDomain, remotePort })
    return this.#bind(EvtchnRequest.BindInterdomain, argument, `port ${remotePort} of domain ${remoteDomain}`)
  }

  #bind(request: number, argument: Int32Array, what: string): Port {
    return this.#node.demand(request, argument, `cannot bind ${what}`) as Port
  }

  #opened(port: Port, peer?: Domid): Port {
    this.#dispatcher.open(port, peer === this.#self ? undefined : peer)
    return port
  }

  #close(port: Port): void {
    this.#node.demand(EvtchnRequest.Unbind, unbindPort.create({ port }), `cannot unbind port ${port}`, { port })
  }

  #turn(): void {
    this.#deliver()
    if (this.#buffer.size > 0) this.#turnSoon()
  }

  /** For ports that wait on our side of the node, of which no descriptor tells. */
  #turnSoon(): void {
    if (this.#turnDue || !this.#watching || this.#buffer.size === 0) return
    this.#turnDue = true
    nextTurn(() => {
      this.#turnDue = false
      if (!this.#node.closed) this.#turn()
    })
  }

  #deliver(): number {
    this.#fetch()
    const budget = Math.min(this.#buffer.size, TURN_BUDGET)
    let delivered = 0
    for (; delivered < budget; delivered++) {
      const port = this.#buffer.take()
      if (port === undefined) break
      this.#dispatcher.deliver(port)
    }
    return delivered
  }

  /** Where the kernel's buffer has overflowed, nobody knows which ports it lost: each counts as delivered (row E1). */
  #fetch(): void {
    if (this.#buffer.fetch(TURN_BUDGET)) return
    this.#node.ioctl(EvtchnRequest.Reset, new Uint8Array(0))
    this.#buffer.fill(this.#dispatcher.openPorts())
  }
}
