import { assertEqual, assertThrows } from './assert.js'
import { openChannel, pairOf } from './event-channel-pair.js'
import { PortProbe } from './port-probe.js'
import type { SuiteCase } from './suite.js'
import { quiet } from './wait.js'

/** What reaches a listener, and when: rules 63 and 66. */
export const deliveryCases: SuiteCase[] = [
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
      await far.expect(0, 'while masked')
      guest.events.unmask(far.port)
      await far.expect(1, 'after unmask')
      guest.events.mask(far.port)
      guest.events.unmask(far.port)
      await far.expect(1, 'after unmask without an event')
    },
  },
  {
    name: 'rule 63: however many events come while a port is masked, they are one delivery or two',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const { near, far } = openChannel(dom0, guest)
      using _near = near
      using _far = far
      guest.events.mask(far.port)
      for (let i = 0; i < 5; i++) {
        near.notify()
        await far.expect(0, 'while masked')
      }
      guest.events.unmask(far.port)
      await far.expectAtMost(2, 'after unmask')
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

/** Ports that close while something is under way. */
export const closingCases: SuiteCase[] = [
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
