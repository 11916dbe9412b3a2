import { type AttachOptions, EmulatedHost, type MachineMode } from '@split-driver/emulator'
import { XenstoreServer } from '@split-driver/xenstored'

/** A host whose domains are all in this thread. */
export const boot = (mode: MachineMode = 'inline', attaching: AttachOptions = {}) =>
  EmulatedHost.boot({ mode, memoryMiB: 64, attaching, xenstored: (dom0) => new XenstoreServer(dom0) })
