import { type Domid, type Port, VIRQ } from '@split-driver/abi'
import type { Platform } from '@split-driver/platform'
import { assert, assertEqual, assertThrows } from './assert.js'
import { eventStorm, pingPong } from './event-traffic.js'
import { PortProbe } from './port-probe.js'
import { defineSuite, type SuiteCase } from './suite.js'
import { quiet } from './wait.js'
import type { World } from './world.js'

/** A domid that no world gives to a domain of its own. */
const NOBODY = 0x7fee as Domid

/** A channel whose guest end was offered and whose dom0 end was bound: that end is pending once. */
const openChannel = (dom0: Platform, guest: Platform, how?: 'eoi at once' | 'withhold eoi') => {
  const offered = guest.events.bindUnboundPort(dom0.domid)
  const bound = dom0.events.bindInterdomain(guest.domid, offered)
  return { near: new PortProbe(dom0, bound, how), far: new PortProbe(guest, offered, how) }
}

const pairOf = async (world: World) => ({ dom0: world.dom0, guest: (await world.createGuest()).platform })

const binding: SuiteCase[] = [
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
    name: 'rule 62: a port that waits for another domain, or is bound already, cannot be bound: EINVAL',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const other = (await world.createGuest()).platform
      const offered = guest.events.bindUnboundPort(other.domid)
      assertThrows(() => dom0.events.bindInterdomain(guest.domid, offered), ['EINVAL'], 'a port for another domain')
      const bound = other.events.bindInterdomain(guest.domid, offered)
      assertThrows(() => other.events.bindInterdomain(guest.domid, offered), ['EINVAL'], 'a port that is bound')
      other.events.unbind(bound)
      guest.events.unbind(offered)
    },
  },
  {
    name: 'rule 62: a domain that is not there: ESRCH or EINVAL, and no port is used up',
    run: async ({ dom0 }) => {
      assertThrows(() => dom0.events.bindUnboundPort(NOBODY), ['ESRCH', 'EINVAL'], 'a port for nobody')
      assertThrows(() => dom0.events.bindInterdomain(NOBODY, 1 as Port), ['ESRCH', 'EINVAL'], 'a port of nobody')
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

const delivery: SuiteCase[] = [
  {
    name: 'events go both ways, one delivery for each that was waited for',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const { near, far } = openChannel(dom0, guest)
      using _near = near
      using _far = far
      await near.expect(1, 'after binding')
      for (let i = 1; i <= 3; i++) {
        near.notify()
        await far.expect(i, 'towards the guest')
        far.notify()
        await near.expect(1 + i, 'towards dom0')
      }
    },
  },
  {
    name: 'an event that comes before anybody listens is delivered when somebody does',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const offered = guest.events.bindUnboundPort(dom0.domid)
      using near = new PortProbe(dom0, dom0.events.bindInterdomain(guest.domid, offered))
      near.notify()
      await quiet(world.dom0.clock)
      using far = new PortProbe(guest, offered)
      await far.expect(1, 'that came before the listener')
    },
  },
  {
    name: 'one listener a port: a second is EBUSY, and the first goes on',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const { near, far } = openChannel(dom0, guest)
      using _near = near
      using _far = far
      assertThrows(() => guest.events.listen(far.port, () => {}), ['EBUSY'], 'a second listener')
      near.notify()
      await far.expect(1, 'to the first listener')
    },
  },
  {
    name: 'rule 66: nothing is delivered before eoi; however many events came meanwhile, they are one delivery after it',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const { near, far } = openChannel(dom0, guest, 'withhold eoi')
      using _near = near
      using _far = far
      near.notify()
      await far.expect(1, 'the first')
      for (let i = 0; i < 10; i++) near.notify()
      await far.expect(1, 'while its work is not done')
      guest.events.eoi(far.port)
      await far.expect(2, 'for the ten that came meanwhile')
      guest.events.eoi(far.port)
      await far.expect(2, 'when none came meanwhile')
    },
  },
  {
    name: 'rule 63: a masked port keeps its event, and unmask looks again',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const { near, far } = openChannel(dom0, guest)
      using _near = near
      using _far = far
      guest.events.mask(far.port)
      near.notify()
      near.notify()
      await far.expect(0, 'while masked')
      guest.events.unmask(far.port)
      await far.expect(1, 'after unmask')
      guest.events.mask(far.port)
      guest.events.unmask(far.port)
      await far.expect(1, 'after unmask without an event')
    },
  },
  {
    name: 'mask counts apart from the masking between delivery and eoi: either holds an event back',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const { near, far } = openChannel(dom0, guest, 'withhold eoi')
      using _near = near
      using _far = far
      near.notify()
      await far.expect(1, 'the first')
      guest.events.mask(far.port)
      near.notify()
      guest.events.eoi(far.port)
      await far.expect(1, 'after eoi while masked')
      guest.events.unmask(far.port)
      await far.expect(2, 'after unmask')
      near.notify()
      guest.events.mask(far.port)
      guest.events.unmask(far.port)
      await far.expect(2, 'after unmask before eoi')
      guest.events.eoi(far.port)
      await far.expect(3, 'after eoi')
    },
  },
]

const closing: SuiteCase[] = [
  {
    name: 'E2: a handler may close the port that it was called for; nothing is delivered any more',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const offered = guest.events.bindUnboundPort(dom0.domid)
      using near = new PortProbe(dom0, dom0.events.bindInterdomain(guest.domid, offered))
      let delivered = 0
      guest.events.listen(offered, (port) => {
        delivered++
        guest.events.unbind(port)
        guest.events.eoi(port)
      })
      for (let i = 0; i < 5; i++) near.notify()
      await quiet(world.dom0.clock)
      near.notify()
      await quiet(world.dom0.clock)
      assertEqual(delivered, 1, 'deliveries')
    },
  },
  {
    name: 'E2: an event that was under way when its port was closed reaches nobody, not even the number’s next owner',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      for (let i = 0; i < 20; i++) {
        const { near, far } = openChannel(dom0, guest)
        near.notify()
        far.unbind()
        const before = far.deliveries
        using next = new PortProbe(guest, guest.events.bindUnboundPort(dom0.domid))
        near.unbind()
        await quiet(world.dom0.clock)
        assertEqual(far.deliveries, before, 'deliveries after the port was closed')
        assertEqual(next.deliveries, 0, 'deliveries to a port that was never bound')
      }
    },
  },
]

const local: SuiteCase[] = [
  {
    name: 'an IPI wakes its own domain',
    needs: ['ipi'],
    run: async ({ dom0 }) => {
      using probe = new PortProbe(dom0, dom0.events.bindIpi())
      await probe.expect(0, 'before it is sent')
      probe.notify()
      await probe.expect(1, 'after it was sent')
    },
  },
  {
    name: 'a VIRQ has one port: a second is EEXIST; after unbind it can be bound again',
    needs: ['virq'],
    run: async (world) => {
      const { guest } = await pairOf(world)
      const { events } = guest
      const first = events.bindVirq(VIRQ.Debug)
      assertThrows(() => events.bindVirq(VIRQ.Debug), ['EEXIST'], 'a second port for a VIRQ')
      events.unbind(first)
      events.unbind(events.bindVirq(VIRQ.Debug))
    },
  },
]

const traffic: SuiteCase[] = [
  {
    name: '1,000 round trips between two domains',
    run: async (world, { scale }) => {
      const { dom0, guest } = await pairOf(world)
      const rounds = Math.ceil(1000 * scale)
      assert((await pingPong(dom0, guest, rounds)) >= rounds, 'rounds that came back')
    },
  },
  {
    name: 'a random storm of sends, masks and late ends of interrupt loses no wake-up',
    run: async (world, { seed, scale }) => {
      const { dom0, guest } = await pairOf(world)
      await eventStorm(dom0, guest, { seed, steps: Math.ceil(3000 * scale) })
    },
  },
]

/** Event channels as rules 61 to 64 and 66 have them, through `EventChannels`. */
export const eventChannelSuite = defineSuite('event channels', [
  ...binding,
  ...delivery,
  ...closing,
  ...local,
  ...traffic,
])
