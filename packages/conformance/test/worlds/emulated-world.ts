import type { World } from '@split-driver/conformance'
import { EmulatedWorld, type MachineMode } from '@split-driver/emulator'
import { XenstoreServer } from '@split-driver/xenstored'

/** An emulated machine with room for every case of the suites. */
export const createEmulatedWorld = (mode: MachineMode): Promise<World> =>
  EmulatedWorld.create({ mode, memoryMiB: 64, maxDomains: 8, xenstored: (dom0) => new XenstoreServer(dom0) })
