import type { MessagePort } from 'node:worker_threads'
import type { Domid, Port } from '@split-driver/abi'
import { SeededRandom } from '@split-driver/conformance'
import type { EmulatedPlatform, Program } from '@split-driver/emulator'

/** One of two domains that race; `counters` is shared by both. */
export interface RaceArgument {
  readonly side: 0 | 1
  readonly peer: Domid
  readonly channels: number
  readonly steps: number
  readonly seed: number
  /** By side, then channel: events that this side has announced; then one word a side that says it is done. */
  readonly counters: Int32Array
  /** The other side's ports; undefined for the one that offers them. */
  readonly offered: readonly Port[] | undefined
  readonly answer: MessagePort
}

/** What a lost wake-up is: nothing comes for so long though the other side is done. */
const PATIENCE_MS = 10_000

class Racer {
  readonly #events: EmulatedPlatform['events']
  readonly #argument: RaceArgument
  readonly #random: SeededRandom
  readonly #ports: readonly Port[]
  /** By channel: how many of the other side's announcements a delivery has come after. */
  readonly #noticed: Int32Array
  readonly #masked: boolean[]
  readonly #unfinished: Port[] = []
  untimely = 0

  constructor(events: EmulatedPlatform['events'], ports: readonly Port[], argument: RaceArgument) {
    this.#events = events
    this.#argument = argument
    this.#random = new SeededRandom(argument.seed + argument.side)
    this.#ports = ports
    this.#noticed = new Int32Array(ports.length)
    this.#masked = ports.map(() => false)
    for (const [channel, port] of ports.entries()) events.listen(port, () => this.#onEvent(channel, port))
  }

  /** One thing of many. */
  step(): void {
    const channel = this.#random.below(this.#ports.length)
    const port = this.#ports[channel]!
    switch (this.#random.below(16)) {
      case 0:
        this.#masked[channel] = true
        this.#events.mask(port)
        break
      case 1:
      case 2:
        this.#masked[channel] = false
        this.#events.unmask(port)
        break
      case 3:
        this.#churn()
        break
      case 4:
      case 5:
      case 6:
        this.#events.waitForEvents(0)
        break
      case 7:
        this.#finish()
        break
      default:
        this.#announce(channel, port)
    }
  }

  /** All that was announced to us is noticed, or nothing has come for too long. @returns channels that lost an event */
  settle(): number[] {
    for (const [channel, port] of this.#ports.entries()) {
      this.#masked[channel] = false
      this.#events.unmask(port)
    }
    for (let last = Date.now(); this.#behind().length > 0 || !this.#isOtherDone(); ) {
      this.#finish()
      if (this.#events.waitForEvents(1) > 0 || !this.#isOtherDone()) last = Date.now()
      else if (Date.now() - last > PATIENCE_MS) break
    }
    return this.#behind()
  }

  #announce(channel: number, port: Port): void {
    const { counters, side, channels } = this.#argument
    Atomics.add(counters, side * channels + channel, 1)
    this.#events.notify(port)
  }

  #onEvent(channel: number, port: Port): void {
    if (this.#masked[channel] || this.#unfinished.includes(port)) this.untimely++
    const { counters, side, channels } = this.#argument
    this.#noticed[channel] = Atomics.load(counters, (1 - side) * channels + channel)
    if (this.#random.below(2) === 0) this.#unfinished.push(port)
    else this.#events.eoi(port)
  }

  #finish(): void {
    const spurious = this.#random.below(64) === 0
    for (const port of this.#unfinished.splice(0)) this.#events.eoi(port, spurious ? 'spurious' : 'worked')
  }

  /** A port that comes and goes beside the others, pending when it goes. */
  #churn(): void {
    const port = this.#events.bindIpi()
    this.#events.notify(port)
    this.#events.unbind(port)
  }

  #isOtherDone(): boolean {
    const { counters, side, channels } = this.#argument
    return Atomics.load(counters, 2 * channels + 1 - side) !== 0
  }

  #behind(): number[] {
    const { counters, side, channels } = this.#argument
    return [...this.#ports.keys()].filter(
      (channel) => this.#noticed[channel] !== Atomics.load(counters, (1 - side) * channels + channel),
    )
  }
}

export const program: Program = async ({ platform: { events }, argument }) => {
  const race = argument as RaceArgument
  const { side, peer, channels, steps, counters, offered, answer } = race
  const ports =
    offered?.map((port) => events.bindInterdomain(peer, port)) ??
    Array.from({ length: channels }, () => events.bindUnboundPort(peer))
  if (!offered) answer.postMessage(ports)
  const racer = new Racer(events, ports, race)
  for (let i = 0; i < steps; i++) racer.step()
  Atomics.store(counters, 2 * channels + side, 1)
  const lost = racer.settle()
  for (const port of ports) events.unbind(port)
  answer.postMessage({ lost, untimely: racer.untimely })
  answer.close()
}
