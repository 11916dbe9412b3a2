import { pathToFileURL } from 'node:url'
import { DOM0, type Domid, XenError } from '@split-driver/abi'
import type { EmulatedHost, GuestPlan, Toolstack } from '@split-driver/emulator'
import { startWorkerThread } from '@split-driver/emulator/node'
import type { DomainLine } from '../control/operations.js'
import type { DomainConfig } from '../xl-config/domain-config.js'
import type { ConsoleReadiness } from './console-readiness.js'
import type { DomainDisks } from './domain-disks.js'

export interface KeeperParts {
  readonly host: EmulatedHost
  readonly disks: DomainDisks
  readonly consoles: ConsoleReadiness
}

/** Which domain is meant, and how it is called now. */
export interface FoundDomain {
  readonly domid: Domid
  readonly name: string
}

/** Milliseconds that guests have to shut down when the machine ends, before their power is cut. */
const FAREWELL_MS = 4000

/** The domains of a machine from their configurations on, each with its code in a thread of its own. */
export class DomainKeeper {
  readonly #parts: KeeperParts
  readonly #toolstack: Toolstack
  /** What each was created with. */
  readonly #configs = new Map<Domid, DomainConfig>()
  #closing = false

  constructor(parts: KeeperParts) {
    this.#parts = parts
    this.#toolstack = parts.host.toolstack
  }

  /**
   * Builds a domain with its disks, and lets it run unless it is to stay paused. Nothing is left of it if that fails.
   * @throws XenError EEXIST the name or the UUID is taken; ENOMEM, ENOSPC; as `DomainDisks.attach`; CLOSED the machine ends
   */
  async create(config: DomainConfig, paused: boolean): Promise<FoundDomain> {
    const { disks, consoles } = this.#parts
    const { name, uuid } = config
    if (uuid !== undefined && this.#toolstack.list().some((other) => other.uuid === uuid))
      throw new XenError('EEXIST', `there is a domain with the UUID ${uuid}`)
    for (const disk of config.disks) await disks.judge(disk)
    const guest = await this.#toolstack.create(planOf(config))
    const { domid } = guest
    try {
      if (this.#closing) throw new XenError('CLOSED', 'the machine ends')
      await consoles.of(domid)
      for (const disk of config.disks) await disks.attach(domid, disk)
      const program = { href: pathToFileURL(config.kernel).href }
      this.#toolstack.start(guest, program, { startVcpu: startWorkerThread })
      this.#follow(domid, config)
      if (!paused) this.#toolstack.unpause(domid)
    } catch (error) {
      await this.#toolstack.destroy(domid)
      throw error
    }
    return { domid, name }
  }

  /** @param which a name, or a number @throws XenError ESRCH */
  find(which: string): FoundDomain {
    const domid = this.#toolstack.find(which)
    const info = this.#toolstack.list().find((other) => other.domid === domid)
    if (domid !== undefined && info !== undefined) return { domid, name: info.name }
    throw new XenError('ESRCH', `there is no domain ${/^\d+$/.test(which) ? which : `called "${which}"`}`)
  }

  /** As `find`, for what cannot be done to the control domain. @throws XenError ESRCH, EINVAL */
  findGuest(which: string): Domid {
    const { domid, name } = this.find(which)
    if (domid !== DOM0) return domid
    throw new XenError('EINVAL', `${name} is the control domain: this can be done to guests alone`)
  }

  list(): DomainLine[] {
    return this.#toolstack.list().map((info) => {
      const config = this.#configs.get(info.domid)
      return { ...info, ...(config === undefined ? {} : { config }) }
    })
  }

  /** Asks the guests to shut down, and ends what is left. */
  async close(): Promise<void> {
    this.#closing = true
    const { clock } = this.#parts.host.dom0
    const leaving = Promise.allSettled(this.#running().map((domid) => this.#bid(domid)))
    await new Promise<void>((resolve) => {
      const timer = clock.setTimer(FAREWELL_MS, resolve)
      void leaving.then(() => {
        timer.cancel()
        resolve()
      })
    })
    // A domain that restarts by its policy is one more.
    while (this.#toolstack.domids.length > 0)
      await Promise.all(this.#toolstack.domids.map((domid) => this.#toolstack.destroy(domid)))
  }

  async #bid(domid: Domid): Promise<void> {
    const ended = this.#toolstack.ended(domid)
    await this.#toolstack.shutdown(domid, { acknowledgeMilliseconds: FAREWELL_MS })
    await ended
  }

  /** Those that could hear a request to shut down. */
  #running(): Domid[] {
    const lines = this.#toolstack.list().filter(({ domid, state }) => domid !== DOM0 && /^(?:r|-b)--/.test(state))
    return lines.map(({ domid }) => domid)
  }

  /** Knows a domain's configuration as long as it is there, and hands it on to whoever runs in its place. */
  #follow(domid: Domid, config: DomainConfig): void {
    const { events } = this.#toolstack
    const { disks } = this.#parts
    this.#configs.set(domid, config)
    let held = disks.of(domid)
    const onShutdown = (end: { readonly domid: Domid }): void => {
      if (end.domid === domid) held = disks.of(domid)
    }
    const onRestarted = (successor: { readonly domid: Domid; readonly previous: Domid }): void => {
      if (successor.previous !== domid) return
      disks.adopt(successor.domid, held)
      this.#follow(successor.domid, config)
    }
    const onDestroyed = (gone: { readonly domid: Domid }): void => {
      if (gone.domid === domid) this.#configs.delete(domid)
    }
    events.on('shutdown', onShutdown).on('restarted', onRestarted).on('destroyed', onDestroyed)
    void this.#toolstack.ended(domid).then(() => {
      events.off('shutdown', onShutdown).off('restarted', onRestarted)
      if (!this.#configs.has(domid)) events.off('destroyed', onDestroyed)
    })
  }
}

const PAGES_PER_MIB = 256

/** It is built paused, as xl builds it: whoever wants to see its first words attaches to its console before. */
const planOf = ({ memoryMiB, kernel: _, disks: __, ...plan }: DomainConfig): GuestPlan => ({
  ...(plan as Omit<GuestPlan, 'memoryPages' | 'paused'>),
  memoryPages: memoryMiB * PAGES_PER_MIB,
  paused: true,
})
