import type { Port } from '@split-driver/abi'
import { Machine } from '@split-driver/emulator'

/** Ports that events are sent on, spread over all that are bound. */
const ACTIVE = 100
const EVENTS = 50_000

/** Microseconds from sending an event to the end of its interrupt, in a domain with this many FIFO ports bound. */
export const microsecondsADelivery = (boundPorts: number): number => {
  const machine = Machine.create({ mode: 'threads', memoryMiB: 64, maxDomains: 2 })
  const { domid } = machine.buildControlDomain({ memoryPages: 512 })
  const { events } = machine.attach(domid, { eventAbi: 'fifo', delivery: 'blocking' })
  const ports: Port[] = []
  let delivered = 0
  for (let i = 0; i < boundPorts; i++) {
    const port = events.bindIpi()
    ports.push(port)
    events.listen(port, () => {
      delivered++
      events.eoi(port)
    })
  }
  const stride = Math.floor(boundPorts / ACTIVE)
  const deliver = (count: number): void => {
    for (let i = 0; i < count; i++) {
      events.notify(ports[(i % ACTIVE) * stride]!)
      events.waitForEvents(0)
    }
  }
  deliver(EVENTS / 5)
  delivered = 0
  const start = performance.now()
  deliver(EVENTS)
  const took = performance.now() - start
  if (delivered !== EVENTS) throw new Error(`${delivered} of ${EVENTS} events were delivered`)
  events.detach()
  return (took * 1000) / EVENTS
}
