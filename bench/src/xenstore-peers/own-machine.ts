import { DOM0, type Domid, FlatMemory, type Port, XenError } from '@split-driver/abi'
import type { EventChannels } from '@split-driver/evtchn'
import type { GrantMapper, Mapping } from '@split-driver/grant'
import type { DomainStates } from '@split-driver/platform'
import { type GuestPage, memoryPage, PAGE_BYTES } from './guest-page.js'

interface Guest {
  readonly memory: FlatMemory
  /** What the guest does when the daemon notifies it. */
  onEvent: () => void
}

const VIRQ_PORT = 1 as Port
const FIRST_DOMAIN_PORT = 1000

/** The machine under our own daemon: ring pages and event channels of guests in this process, and nothing else. */
export class OwnMachine {
  readonly #guests = new Map<number, Guest>()
  readonly #handlers = new Map<number, (port: Port) => void>()

  readonly mapper = {
    map: (remoteDomid, refs, access): Mapping => {
      const guest = this.#guests.get(remoteDomid)
      if (guest === undefined) throw new XenError('GNTST_bad_domain', `there is no domain ${remoteDomid}`)
      return { remoteDomid, refs, access, memory: guest.memory, page: () => guest.memory }
    },
    unmap: () => {},
  } as Pick<GrantMapper, 'map' | 'unmap'> as GrantMapper

  readonly events = {
    bindVirq: () => VIRQ_PORT,
    bindInterdomain: (domid: Domid) => (FIRST_DOMAIN_PORT + domid) as Port,
    listen: (port: Port, handler: (port: Port) => void) => {
      this.#handlers.set(port, handler)
    },
    unbind: (port: Port) => {
      this.#handlers.delete(port)
    },
    notify: (port: Port) => this.#guests.get(port - FIRST_DOMAIN_PORT)?.onEvent(),
    eoi: () => {},
  } as Pick<EventChannels, 'bindVirq' | 'bindInterdomain' | 'listen' | 'unbind' | 'notify' | 'eoi'> as EventChannels

  readonly domainStates: DomainStates = {
    stateOf: (domid) => (domid === DOM0 || this.#guests.has(domid) ? 'running' : undefined),
  }

  createGuest(domid: number): GuestPage {
    const bytes = new SharedArrayBuffer(PAGE_BYTES)
    const guest: Guest = { memory: new FlatMemory(bytes), onEvent: () => {} }
    this.#guests.set(domid, guest)
    const port = (FIRST_DOMAIN_PORT + domid) as Port
    return memoryPage(new Uint8Array(bytes), {
      // As from another thread: the daemon is never called from within what it called.
      notify: () => queueMicrotask(() => this.#handlers.get(port)?.(port)),
      listen: (onEvent) => {
        guest.onEvent = () => queueMicrotask(onEvent)
      },
    })
  }

  destroyGuest(domid: number): void {
    this.#guests.delete(domid)
    this.#handlers.get(VIRQ_PORT)?.(VIRQ_PORT)
  }
}
