import { describe, expect, test } from 'vitest'
import { boot } from '../boot.js'

describe.each(['inline', 'simulated'] as const)('a guest in this thread that is destroyed, %s', (mode) => {
  test('gets no event from then on, not even one that was on its way', async () => {
    const host = await boot(mode)
    const guest = await host.createGuest({ name: 'guest' })
    const offered = guest.events.bindUnboundPort(host.dom0.domid)
    const bound = host.dom0.events.bindInterdomain(guest.domid, offered)
    let over = false
    let deliveriesAfter = 0
    guest.events.listen(offered, () => {
      if (over) deliveriesAfter++
      guest.events.eoi(offered)
    })
    host.dom0.events.notify(bound)
    over = true
    await host.toolstack.destroy(guest.domid)
    await new Promise<void>((resolve) => host.dom0.clock.setTimer(1, resolve))
    expect(deliveriesAfter).toBe(0)
    host.dom0.events.unbind(bound)
    expect(host.machine.ledger()).toEqual([])
    await host[Symbol.asyncDispose]()
  })
})
