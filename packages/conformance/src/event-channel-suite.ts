import type { Virq } from '@split-driver/abi'
import { assert, assertThrows } from './assert.js'
import { bindingCases } from './event-binding-cases.js'
import { pairOf } from './event-channel-pair.js'
import { closingCases, deliveryCases } from './event-delivery-cases.js'
import { eventStorm, pingPong } from './event-traffic.js'
import { PortProbe } from './port-probe.js'
import { defineSuite, type SuiteCase } from './suite.js'

/** VIRQ_TBUF: on any host that is not being traced, nobody has it bound. @see xen.h */
const TRACE_BUFFER = 4 as Virq

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
      const first = events.bindVirq(TRACE_BUFFER)
      assertThrows(() => events.bindVirq(TRACE_BUFFER), ['EEXIST'], 'a second port for a VIRQ')
      events.unbind(first)
      events.unbind(events.bindVirq(TRACE_BUFFER))
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
  ...bindingCases,
  ...deliveryCases,
  ...closingCases,
  ...local,
  ...traffic,
])
