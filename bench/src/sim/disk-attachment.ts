import type { Domid } from '@split-driver/abi'
import type { EmulatedHost } from '@split-driver/emulator'
import type { GuestLife } from './guest-life.js'
import type { Watchdog } from './watchdog.js'

/** The toolstack's side of one guest's disk: it is attached, taken away, and attached again. */
export class DiskAttachment {
  readonly #host: EmulatedHost
  readonly #domid: Domid
  readonly #life: GuestLife
  readonly #watchdog: Watchdog
  #pulling: Promise<unknown> | undefined
  #device: Awaited<ReturnType<EmulatedHost['toolstack']['attachDevice']>> | undefined

  constructor(host: EmulatedHost, domid: Domid, life: GuestLife, watchdog: Watchdog) {
    this.#host = host
    this.#domid = domid
    this.#life = life
    this.#watchdog = watchdog
  }

  async attach(): Promise<void> {
    const { toolstack } = this.#host
    const attaching = toolstack.attachDevice(
      { domid: this.#domid },
      { type: 'vbd', id: 51712, backendKeys: { mode: 'w' } },
    )
    const ending = await this.#watchdog.settled(`attaching the disk of domain ${this.#domid}`, attaching)
    if (ending.how === 'done') this.#device = ending.value
  }

  /** Takes both directories away, whatever is under way, and makes them anew. Without effect while that goes on already. */
  pull(absence: number): void {
    if (this.#device !== undefined) this.#pulling ??= this.#pull(absence)
  }

  /** Done when the disk is attached, or not wanted any more. */
  async back(): Promise<void> {
    await this.#pulling
  }

  async #pull(absence: number): Promise<void> {
    await this.#watchdog.settled(`pulling the disk of domain ${this.#domid}`, this.#device!.remove())
    await new Promise<void>((resolve) => this.#host.machine.clock.setTimer(absence, resolve))
    if (!this.#life.over) await this.attach()
    this.#pulling = undefined
  }
}
