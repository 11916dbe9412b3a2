import { Machine, type MachineMode } from '@split-driver/emulator'

/** A machine with a control domain and one guest, both run by this thread; XenStore is not needed here. */
export const machineWithTwo = (mode: MachineMode = 'inline') => {
  const machine = Machine.create({ mode, memoryMiB: 32 })
  const dom0 = machine.attach(machine.buildControlDomain().domid)
  const guest = machine.attach(machine.buildGuest().domid)
  return { machine, dom0, guest }
}

/** Everything that is due now has been delivered. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
