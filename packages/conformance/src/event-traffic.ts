import type { Platform } from '@split-driver/platform'
import { assertEqual } from './assert.js'
import { SeededRandom } from './seeded-random.js'
import { eventually, within } from './wait.js'

/** Two domains wake each other, one at a time. @returns how many rounds came back */
export const pingPong = async (dom0: Platform, guest: Platform, rounds: number): Promise<number> => {
  const offered = guest.events.bindUnboundPort(dom0.domid)
  const bound = dom0.events.bindInterdomain(guest.domid, offered)
  let back = 0
  const done = new Promise<void>((resolve) => {
    guest.events.listen(offered, (port) => {
      guest.events.eoi(port)
      guest.events.notify(port)
    })
    // The first delivery is the one that binding causes; it serves as the first ball.
    let delivered = -1
    dom0.events.listen(bound, (port) => {
      dom0.events.eoi(port)
      back = ++delivered
      if (delivered === rounds) resolve()
      else dom0.events.notify(port)
    })
  })
  await within(dom0.clock, done, `${rounds} round trips`, 60_000)
  dom0.events.unbind(bound)
  guest.events.unbind(offered)
  return back
}

/** One direction of one channel: what was announced, and what its receiver has noticed. */
class Announcements {
  announced = 0
  noticed = 0
  /** Deliveries that should not have been: while masked, or before eoi. */
  untimely = 0
  #owesEoi = false
  #masked = false

  constructor(
    readonly sender: Platform,
    readonly sendPort: Parameters<Platform['events']['notify']>[0],
    readonly receiver: Platform,
    readonly port: Parameters<Platform['events']['notify']>[0],
    readonly random: SeededRandom,
  ) {
    receiver.events.listen(port, () => this.#onEvent())
  }

  /** As a ring does it: first what there is to see, then the event. */
  announce(): void {
    this.announced++
    this.sender.events.notify(this.sendPort)
  }

  finish(): void {
    if (!this.#owesEoi) return
    this.#owesEoi = false
    this.receiver.events.eoi(this.port)
  }

  toggleMask(): void {
    this.#masked = !this.#masked
    if (this.#masked) this.receiver.events.mask(this.port)
    else this.receiver.events.unmask(this.port)
  }

  calm(): void {
    if (this.#masked) this.toggleMask()
    this.finish()
  }

  #onEvent(): void {
    if (this.#masked || this.#owesEoi) this.untimely++
    this.noticed = this.announced
    this.#owesEoi = true
    if (this.random.below(2) === 0) this.finish()
  }
}

const CHANNELS = 4

/**
 * Sends, masks and ends interrupts in an order that follows from the seed. When all is unmasked and ended, every receiver
 * must have been woken after the last thing that was announced to it.
 */
export const eventStorm = async (
  dom0: Platform,
  guest: Platform,
  { seed, steps }: { seed: number; steps: number },
): Promise<void> => {
  const random = new SeededRandom(seed)
  const directions: Announcements[] = []
  for (let i = 0; i < CHANNELS; i++) {
    const offered = guest.events.bindUnboundPort(dom0.domid)
    const bound = dom0.events.bindInterdomain(guest.domid, offered)
    directions.push(new Announcements(dom0, bound, guest, offered, random))
    directions.push(new Announcements(guest, offered, dom0, bound, random))
  }
  const acts = ['announce', 'announce', 'announce', 'finish', 'toggleMask'] as const
  for (let step = 0; step < steps; step++) {
    random.pick(directions)[random.pick(acts)]()
    if (random.below(4) === 0) await Promise.resolve()
    if (random.below(64) === 0) await new Promise<void>((resolve) => dom0.clock.setTimer(0, resolve))
  }
  const settled = (): boolean => {
    for (const direction of directions) direction.calm()
    return directions.every(({ announced, noticed }) => announced === noticed)
  }
  await eventually(dom0.clock, settled, `the last of ${steps} events, seed ${seed}`)
  for (const { untimely } of directions) assertEqual(untimely, 0, `seed ${seed}: deliveries while masked or before eoi`)
  for (const { receiver, port } of directions) receiver.events.unbind(port)
}
