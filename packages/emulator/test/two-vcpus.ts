import { XenError } from '@split-driver/abi'
import { type AttachOptions, type EmulatedPlatform, Machine } from '@split-driver/emulator'

/** The errno that a call ends with. */
export const codeOf = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    if (XenError.is(error)) return error.code
    throw error
  }
  return 'nothing thrown'
}

/** A control domain and a guest of two vcpus. */
export const boot = (options: AttachOptions & { readonly maxEventChannels?: number } = {}) => {
  const { maxEventChannels = 131_071, ...attaching } = options
  const machine = Machine.create({ memoryMiB: 32, attaching })
  const dom0 = machine.attach(machine.buildControlDomain().domid)
  const { domid } = machine.buildGuest({ vcpus: 2, memoryPages: 256, maxEventChannels })
  return { machine, dom0, guest: machine.attach(domid), calls: machine.calls }
}

/** Offered by the guest, bound by the control domain. */
export const channel = (dom0: EmulatedPlatform, guest: EmulatedPlatform) => {
  const offered = guest.events.bindUnboundPort(dom0.domid)
  return { offered, bound: dom0.events.bindInterdomain(guest.domid, offered) }
}
