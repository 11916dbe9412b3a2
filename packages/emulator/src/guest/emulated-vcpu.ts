import { type Domid, XenError } from '@split-driver/abi'
import type { Clock } from '@split-driver/platform'
import type { AttachOptions } from '../attach-options.js'
import { EmulatedEventChannels } from '../event-channels.js'
import { DomainState, domainRecord } from '../hypervisor/machine-layout.js'
import type { Machine } from '../machine.js'
import { FrameMemory } from '../memory/frame-memory.js'
import { PauseGate } from '../wakeups/pause-gate.js'
import { openEventAbi } from './guest-event-abi.js'
import { GuestVcpu } from './guest-vcpu.js'

/** A further vcpu of a domain, in the thread that runs it: event channels of its own, and time. */
export class EmulatedVcpu implements Disposable {
  readonly domid: Domid
  readonly vcpu: number
  readonly events: EmulatedEventChannels
  readonly clock: Clock
  /** VCPUOP_*, and this vcpu's own timer. */
  readonly hypercalls: { readonly vcpu: GuestVcpu }
  readonly #gate: PauseGate

  /** @throws XenError ESRCH ENOENT ENODEV, see `Machine.attachVcpu`; TypeError for blocking delivery in one thread */
  constructor(machine: Machine, domid: Domid, vcpu: number, { eventAbi = 'two-level', delivery }: AttachOptions) {
    const { xen, memory, calls } = machine
    const record = xen.domains.record(domid)
    const field = (name: keyof typeof domainRecord) => xen.domains.get(record, domainRecord[name])
    if (field('state') !== DomainState.Running) throw new XenError('ESRCH', `domain ${domid} is not running`)
    if (!xen.vcpus.has(record, vcpu) || vcpu === 0)
      throw new XenError('ENOENT', `domain ${domid} has no further vcpu ${vcpu}`, { detail: { domid, vcpu } })
    this.domid = domid
    this.vcpu = vcpu
    this.#gate = new PauseGate(xen, domid)
    this.clock = this.#gate.clock(machine.clockOf(domid))
    const sharedInfo = new FrameMemory(memory, field('sharedInfo'), 1, 'writable')
    const words = xen.domains.twoLevelWords(record)
    const vcpuCount = field('vcpuCount')
    const { clock } = this
    this.hypercalls = { vcpu: new GuestVcpu({ machine, domid, vcpu, count: vcpuCount, sharedInfo, clock }) }
    this.#gate.setAlarm(this.hypercalls.vcpu)
    this.events = new EmulatedEventChannels({
      domid,
      vcpu,
      xen,
      calls,
      guest: openEventAbi({ domid, vcpu, vcpuCount, eventAbi, memory, sharedInfo, words, calls, pages: undefined }),
      startOfDay: [],
      gate: this.#gate,
      clock: this.clock,
      delivery,
    })
  }

  /** This thread leaves the vcpu: nothing is delivered here any more. Idempotent. */
  [Symbol.dispose](): void {
    this.#gate.close()
    this.hypercalls.vcpu.stopSingleshotTimer()
    this.events.detach()
  }
}
