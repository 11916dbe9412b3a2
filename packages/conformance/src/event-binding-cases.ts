import type { Domid, Port } from '@split-driver/abi'
import { assertThrows } from './assert.js'
import { openChannel, pairOf } from './event-channel-pair.js'
import { PortProbe } from './port-probe.js'
import type { SuiteCase } from './suite.js'

/** A domid that no world gives to a domain of its own. */
const NOBODY = 0x7fee as Domid

/** Which port can be bound, and what becomes of one whose peer is gone: rules 61 and 62. */
export const bindingCases: SuiteCase[] = [
  {
    name: 'rule 62: binding pends the local port, once, and tells the other end nothing',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const { near, far } = openChannel(dom0, guest)
      using _near = near
      using _far = far
      await near.expect(1, 'after binding')
      await far.expect(0, 'at the end that offered')
    },
  },
  {
    name: 'rule 61: port 0 and ports that were never opened cannot be bound: EINVAL',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      for (const remote of [0, 4095, 4096, 2 ** 31, 2 ** 32 - 1] as Port[])
        assertThrows(() => dom0.events.bindInterdomain(guest.domid, remote), ['EINVAL'], `binding port ${remote}`)
    },
  },
  {
    name: 'rule 62: a port that is bound already cannot be bound: EINVAL',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const offered = guest.events.bindUnboundPort(dom0.domid)
      const bound = dom0.events.bindInterdomain(guest.domid, offered)
      assertThrows(() => dom0.events.bindInterdomain(guest.domid, offered), ['EINVAL'], 'a port that is bound')
      dom0.events.unbind(bound)
      guest.events.unbind(offered)
    },
  },
  {
    name: 'rule 62: a port that waits for another domain cannot be bound: EINVAL',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const offered = guest.events.bindUnboundPort(await world.stranger())
      assertThrows(() => dom0.events.bindInterdomain(guest.domid, offered), ['EINVAL'], 'a port for another domain')
      guest.events.unbind(offered)
    },
  },
  {
    name: 'rule 62: a domain that is not there has no port to be bound: ESRCH or EINVAL, and no port is used up',
    run: async ({ dom0 }) => {
      assertThrows(() => dom0.events.bindInterdomain(NOBODY, 1 as Port), ['ESRCH', 'EINVAL'], 'a port of nobody')
    },
  },
  {
    name: 'a port may be offered to a domain that is not there; sending on it is silently nothing',
    run: async ({ dom0 }) => {
      using offered = new PortProbe(dom0, dom0.events.bindUnboundPort(NOBODY))
      offered.notify()
      await offered.expect(0, 'from nobody')
    },
  },
  {
    name: 'rule 62: when one end closes, the other is unbound again and the same domain can bind it anew',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const { near, far } = openChannel(dom0, guest)
      using _far = far
      await near.expect(1, 'after binding')
      near.unbind()
      far.notify()
      await far.expect(0, 'after the peer closed')
      using again = new PortProbe(dom0, dom0.events.bindInterdomain(guest.domid, far.port))
      await again.expect(1, 'after binding anew')
      far.notify()
      await again.expect(2, 'from the end that stayed')
      again.notify()
      await far.expect(1, 'from the end that came back')
    },
  },
  {
    name: 'rule 62: sending on a port that nobody has bound, or whose peer is gone, is silently nothing',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      using waiting = new PortProbe(guest, guest.events.bindUnboundPort(dom0.domid))
      waiting.notify()
      await waiting.expect(0, 'on an unbound port')
      const dying = await world.createGuest()
      const { near } = openChannel(dom0, dying.platform)
      using _near = near
      await near.expect(1, 'after binding')
      await dying.destroy()
      near.notify()
      await near.expect(1, 'after the peer died')
    },
  },
  {
    name: 'a port that is not ours, or not any more: EINVAL from every call that names it',
    run: async ({ dom0 }) => {
      const { events } = dom0
      const closed = events.bindUnboundPort(dom0.domid)
      events.unbind(closed)
      for (const port of [closed, 0 as Port, 4095 as Port]) {
        assertThrows(() => events.notify(port), ['EINVAL'], `notify of port ${port}`)
        assertThrows(() => events.listen(port, () => {}), ['EINVAL'], `listen on port ${port}`)
        assertThrows(() => events.unbind(port), ['EINVAL'], `unbind of port ${port}`)
      }
    },
  },
]
