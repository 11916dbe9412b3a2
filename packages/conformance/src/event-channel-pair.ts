import type { Platform } from '@split-driver/platform'
import { PortProbe } from './port-probe.js'
import type { World } from './world.js'

/** A channel whose guest end was offered and whose dom0 end was bound: that end is pending once. */
export const openChannel = (dom0: Platform, guest: Platform, how?: 'eoi at once' | 'withhold eoi') => {
  const offered = guest.events.bindUnboundPort(dom0.domid)
  const bound = dom0.events.bindInterdomain(guest.domid, offered)
  return { near: new PortProbe(dom0, bound, how), far: new PortProbe(guest, offered, how) }
}

/** The control domain and a guest. */
export const pairOf = async (world: World) => ({ dom0: world.dom0, guest: (await world.createGuest()).platform })
