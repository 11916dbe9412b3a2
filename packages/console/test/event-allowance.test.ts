import { XENCONSOLED_EVENT_RATE } from '@split-driver/console'
import type { EventChannels } from '@split-driver/evtchn'
import { describe, expect, test } from 'vitest'
import { guestMachine, settle } from './support/console-pair.js'
import { ManualClock } from './support/manual-clock.js'

describe('rule 60: 30 events per 200 ms and domain', () => {
  test('the 31st is not delivered before the period is over, and its bytes are not lost', async () => {
    const { dom0, backend, guest, port, frontend } = guestMachine()
    const clock = new ManualClock()
    const platform = { events: dom0.events, mapper: dom0.mapper, clock }
    const served = backend({ platform, eventRate: XENCONSOLED_EVENT_RATE })
    const console = frontend()
    let sent = 0
    const sayMore = async (times: number) => {
      for (let i = 0; i < times; i++, sent++) {
        console.tryWriteSync(Uint8Array.of(sent))
        guest.events.notify(port)
        await settle()
      }
    }
    await settle()
    // Binding was the first event (rule 62).
    await sayMore(29)
    expect([served.log.end, served.throttled]).toEqual([29, 1])
    await sayMore(20)
    expect(served.log.end).toBe(29)
    clock.advance(199)
    await settle()
    expect(served.log.end).toBe(29)
    clock.advance(1)
    await settle()
    expect(served.log.end).toBe(49)
    await sayMore(29)
    expect(served.log.end).toBe(78)
    served.close()
    expect(clock.timers).toBe(0)
  })

  test('E1: a storm of events without bytes costs 30 deliveries a period', async () => {
    const { dom0, backend, guest, port } = guestMachine()
    const clock = new ManualClock()
    let served = 0
    const events: EventChannels = {
      bindUnboundPort: (domid) => dom0.events.bindUnboundPort(domid),
      bindInterdomain: (domid, remote) => dom0.events.bindInterdomain(domid, remote),
      bindVirq: (virq) => dom0.events.bindVirq(virq),
      bindIpi: () => dom0.events.bindIpi(),
      notify: (bound) => dom0.events.notify(bound),
      eoi: (bound) => dom0.events.eoi(bound),
      mask: (bound) => dom0.events.mask(bound),
      unmask: (bound) => dom0.events.unmask(bound),
      unbind: (bound) => dom0.events.unbind(bound),
      listen: (bound, handler) =>
        dom0.events.listen(bound, (delivered) => {
          served++
          handler(delivered)
        }),
    }
    backend({ platform: { events, mapper: dom0.mapper, clock }, eventRate: XENCONSOLED_EVENT_RATE })
    for (let i = 0; i < 500; i++) {
      guest.events.notify(port)
      await settle()
    }
    expect(served).toBe(30)
  })

  test.each([
    { events: 0, milliseconds: 200 },
    { events: 1, milliseconds: 0 },
    { events: Number.NaN, milliseconds: 1 },
  ])('%o is no rate', (eventRate) => {
    const { backend, machine } = guestMachine()
    expect(() => backend({ eventRate })).toThrow(RangeError)
    expect(machine.ledger()).toEqual([])
  })
})
