import type { GrantRef } from '@split-driver/abi'
import type { GuestHandle, GuestOptions, World } from '@split-driver/conformance'
import { EmulatedWorld, type MachineMode } from '@split-driver/emulator'
import { GRANT_RESERVED_CONSOLE } from '@split-driver/grant'
import type { Platform } from '@split-driver/platform'
import { type TraceRecorder, tracePlatform, traceRing } from '@split-driver/trace'
import { XenstoreServer } from '@split-driver/xenstored'

/** An emulated world in which every domain is traced, the XenStore daemon's own work included. */
export const createTracedWorld = async (recorder: TraceRecorder, mode: MachineMode = 'inline'): Promise<World> => {
  const world = await EmulatedWorld.create({
    mode,
    memoryMiB: 64,
    maxDomains: 8,
    xenstored: (dom0) => new XenstoreServer(tracePlatform(dom0, recorder)),
  })
  const dom0 = tracePlatform(world.dom0, recorder)
  return {
    dom0,
    supports: world.supports,
    store: world.store,
    toolstack: world.toolstack,
    createGuest: async (options?: GuestOptions) => tracedGuest(await world.createGuest(options), recorder),
    stranger: () => world.stranger(),
    ledger: () => world.ledger(),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  }
}

const tracedGuest = (guest: GuestHandle, recorder: TraceRecorder): GuestHandle => {
  const platform: Platform = tracePlatform(guest.platform, recorder)
  const ring = traceRing(platform, guest.console.memory, GRANT_RESERVED_CONSOLE as GrantRef, recorder)
  return {
    domid: guest.domid,
    platform,
    console: { memory: ring, port: guest.console.port },
    destroy: () => guest.destroy(),
  }
}
