import { fileURLToPath } from 'node:url'
import { EmulatedHost } from '@split-driver/emulator'
import { XenstoreServer } from '@split-driver/xenstored'

/** Two guests that talk to each other, to dom0 and to XenStore. @returns the trace's hash and the virtual time at the end */
export async function livesOf(seed) {
  const options = { mode: 'simulated', seed, memoryMiB: 32, xenstored: (dom0) => new XenstoreServer(dom0) }
  const host = await EmulatedHost.boot(options)
  const guests = [await host.createGuest({ name: 'one' }), await host.createGuest({ name: 'two' })]
  await Promise.all(guests.map((guest, i) => chat(guest, host.dom0, 10 + i)))
  await Promise.all(guests.map((guest, i) => guest.xenstore.write('data/last', String(i))))
  const end = { hash: host.machine.simulation.traceHash, milliseconds: host.machine.clock.now() }
  await host[Symbol.asyncDispose]()
  return end
}

async function chat(guest, dom0, rounds) {
  const offered = guest.events.bindUnboundPort(dom0.domid)
  const bound = dom0.events.bindInterdomain(guest.domid, offered)
  guest.events.listen(offered, (port) => {
    guest.events.eoi(port)
    guest.events.notify(port)
  })
  await new Promise((resolve) => {
    let left = rounds
    dom0.events.listen(bound, (port) => {
      dom0.events.eoi(port)
      if (left-- === 0) resolve()
      else dom0.events.notify(port)
    })
  })
  dom0.events.unbind(bound)
  guest.events.unbind(offered)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(JSON.stringify(await livesOf(Number(process.argv[2]))))
}
