import type { World } from '@split-driver/conformance'
import { EmulatedWorld, type MachineMode } from '@split-driver/emulator'
import { XenstoreServer } from '@split-driver/xenstored'

/** An emulated machine with room for every case of the suites. @param seed of a simulated one */
export const createEmulatedWorld = (mode: MachineMode, seed = 1): Promise<World> =>
  EmulatedWorld.create({ mode, seed, memoryMiB: 64, maxDomains: 8, xenstored: (dom0) => new XenstoreServer(dom0) })
