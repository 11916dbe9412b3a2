import { ShutdownReason, XenError } from '@split-driver/abi'
import { writeDeviceDirectories, type XenStore } from '@split-driver/xenbus'
import { DOMID_XEN } from '../hypervisor/hypervisor.js'
import type { Machine } from '../machine.js'
import { requestShutdown } from './control-shutdown.js'
import type { ShutdownOptions } from './domain-lifecycle.js'
import type { KeptDomain } from './kept-domain.js'
import { reasonName } from './shutdown-policy.js'

/** As libxl's for a guest that is asked to suspend. */
const ACKNOWLEDGE_MILLISECONDS = 60_000

/** How long a guest that has acknowledged may take to suspend, and backends to let go of a suspended guest's pages. */
const PATIENCE_MILLISECONDS = 60_000

/** How often to look whether backends have let go. */
const LOOK_MILLISECONDS = 20

/** Asks guests to stop, and lets suspended ones go on. */
export class DomainSuspension {
  readonly #machine: Machine
  readonly #store: XenStore

  constructor(machine: Machine, store: XenStore) {
    this.#machine = machine
    this.#store = store
  }

  ask({ domid }: KeptDomain, options: ShutdownOptions): Promise<void> {
    const { request = 'poweroff', acknowledgeMilliseconds: limit = ACKNOWLEDGE_MILLISECONDS } = options
    return requestShutdown({ store: this.#store, clock: this.#machine.clock, domid, request, limit })
  }

  async suspend(kept: KeptDomain, options: ShutdownOptions): Promise<void> {
    let forget = () => {}
    const stopped = new Promise<void>((resolve) => {
      forget = kept.onStopped(resolve)
    })
    try {
      await this.ask(kept, { ...options, request: 'suspend' })
      await this.#within(stopped, `domain ${kept.domid} acknowledged, but did not suspend`)
    } finally {
      forget()
    }
    this.#assertSuspended(kept)
  }

  async resume(kept: KeptDomain, how: 'cancelled' | 'afresh'): Promise<void> {
    this.#assertSuspended(kept)
    if (how === 'afresh') await this.#renew(kept)
    this.#machine.calls.lifecycle.resume(DOMID_XEN, kept.domid, how === 'afresh')
  }

  /** As a restore would: the guest finds a machine on which it has nothing open yet. */
  async #renew(kept: KeptDomain): Promise<void> {
    const { domid } = kept
    const devices = [...kept.devices]
    for (const [device] of devices) await device.remove()
    await this.#untilLetGo(kept)
    const start = this.#machine.renewGuest(domid)
    kept.built = { domid, start }
    const home = `/local/domain/${domid}`
    await this.#store.transaction(async (t) => {
      await t.write(`${home}/store/port`, String(start.store.port))
      if (start.console) await t.write(`${home}/console/port`, String(start.console.port))
    })
    await this.#store.introduce(domid, start.store.frame, start.store.port)
    kept.devices.clear()
    for (const [, options] of devices)
      kept.devices.set(await writeDeviceDirectories(this.#store, domid, options), options)
  }

  /** Backends that see their directory go unmap what they had; a page in their hands cannot be given anew. */
  async #untilLetGo({ domid }: KeptDomain): Promise<void> {
    const { clock } = this.#machine
    const deadline = clock.now() + PATIENCE_MILLISECONDS
    while (this.#machine.isShared(domid)) {
      if (clock.now() >= deadline)
        throw new XenError('EBUSY', `pages of domain ${domid} are still mapped by others`, { detail: { domid } })
      await new Promise<void>((resolve) => clock.setTimer(LOOK_MILLISECONDS, resolve))
    }
  }

  async #within(happens: Promise<void>, otherwise: string): Promise<void> {
    let inTime = false
    const late = new Promise<void>((resolve) => {
      const timer = this.#machine.clock.setTimer(PATIENCE_MILLISECONDS, resolve)
      void happens.then(() => {
        inTime = true
        timer.cancel()
        resolve()
      })
    })
    await late
    if (!inTime) throw new XenError('ABORTED', `${otherwise} within ${PATIENCE_MILLISECONDS} ms`)
  }

  #assertSuspended({ domid, destruction }: KeptDomain): void {
    const shutdown = destruction ? undefined : this.#machine.calls.lifecycle.standing(domid).shutdown
    if (shutdown === ShutdownReason.suspend) return
    const instead = destruction
      ? 'was destroyed'
      : shutdown === undefined
        ? 'runs'
        : `stopped for ${reasonName(shutdown)}`
    throw new XenError('EINVAL', `domain ${domid} is not suspended: it ${instead}`, { detail: { domid } })
  }
}
