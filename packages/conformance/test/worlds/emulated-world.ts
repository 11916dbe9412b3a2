import type { World } from '@split-driver/conformance'
import { type AttachOptions, type DomainPlan, EmulatedWorld, type MachineMode } from '@split-driver/emulator'
import { XenstoreServer } from '@split-driver/xenstored'

/**
 * An emulated machine with room for every case of the suites.
 * @param seed of a simulated one
 * @param attaching the interfaces that its domains take
 * @param guestPlan what its guests are built by
 */
export const createEmulatedWorld = (
  mode: MachineMode,
  seed = 1,
  attaching: AttachOptions = {},
  guestPlan: DomainPlan = {},
): Promise<World> =>
  EmulatedWorld.create({
    mode,
    seed,
    attaching,
    guestPlan,
    memoryMiB: 64,
    maxDomains: 8,
    xenstored: (dom0) => new XenstoreServer(dom0),
  })
