import type { HvmParam } from '@split-driver/abi'
import type { EmulatedPlatform } from '../emulated-platform.js'
import { domainRecord } from '../hypervisor/machine-layout.js'
import type { Machine } from '../machine.js'
import { type EventChannelOp, eventChannelOp } from './event-channel-op.js'
import { EmulatedGrantTableOp } from './grant-table-op.js'
import type {
  ConsoleIoHypercalls,
  GuestHypercalls,
  HvmHypercalls,
  StartOfDayMemory,
  VersionHypercalls,
} from './guest-hypercalls.js'
import { GuestSched } from './guest-sched.js'
import { GuestVcpu } from './guest-vcpu.js'

/** A domain's hypercalls beside those that its Platform makes for it. */
export class EmulatedHypercalls implements GuestHypercalls {
  readonly sched: GuestSched
  readonly consoleIo: ConsoleIoHypercalls
  readonly version: VersionHypercalls
  readonly vcpu: GuestVcpu
  readonly hvm: HvmHypercalls
  readonly memory: StartOfDayMemory
  readonly eventChannel: EventChannelOp
  readonly grantTable: EmulatedGrantTableOp

  constructor(machine: Machine, platform: EmulatedPlatform, memory: StartOfDayMemory) {
    const { calls, xen } = machine
    const { domid, clock } = platform
    const count = xen.domains.get(xen.domains.record(domid), domainRecord.vcpuCount)
    this.memory = memory
    this.vcpu = new GuestVcpu({ machine, domid, vcpu: 0, count, sharedInfo: memory.sharedInfo, clock })
    this.sched = new GuestSched({ machine, platform, vcpu: this.vcpu })
    this.eventChannel = eventChannelOp(domid, calls)
    this.grantTable = new EmulatedGrantTableOp(domid, machine.memory, calls.grants)
    this.consoleIo = {
      write: (output) =>
        calls.consoleIo.write(domid, typeof output === 'string' ? new TextEncoder().encode(output) : output),
      read: (count) => calls.consoleIo.read(domid, count),
    }
    this.version = {
      version: () => calls.version.version(),
      extraversion: () => calls.version.extraversion(),
      capabilities: () => calls.version.capabilities(),
      compileInfo: () => calls.version.compileInfo(),
      changeset: () => calls.version.changeset(),
      features: (submap = 0) => calls.version.features(domid, submap),
      pageSize: () => calls.version.pagesize(),
      guestHandle: () => calls.version.guestHandle(domid),
    }
    this.hvm = { getParam: (index: HvmParam) => calls.hvm.getParam(domid, domid, index) }
  }
}
