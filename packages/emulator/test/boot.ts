import { DOM0 } from '@split-driver/abi'
import { Machine, type MachineMode, Toolstack } from '@split-driver/emulator'
import { channelPair, XenStoreClient } from '@split-driver/xenbus'
import { XenstoreServer } from '@split-driver/xenstored'

/** A machine with a control domain that serves XenStore, and a toolstack; all in this thread. */
export const boot = async (mode: MachineMode = 'inline') => {
  const machine = Machine.create({ mode, memoryMiB: 64 })
  const control = machine.buildControlDomain()
  const dom0 = machine.attach(control.domid)
  const server = new XenstoreServer(dom0)
  const [daemonEnd, ourEnd] = channelPair()
  server.accept(daemonEnd, { domid: DOM0, privileged: true })
  const store = new XenStoreClient(ourEnd)
  const toolstack = await Toolstack.open(machine, store, control)
  return { machine, dom0, server, store, toolstack }
}
