import type { Domid, GrantRef, Port } from '@split-driver/abi'
import { GRANT_RESERVED_CONSOLE, GRANT_RESERVED_XENSTORE } from '@split-driver/grant'
import type { SlotLayouts, SlotLayoutsOf } from './slot-layouts.js'

/** What the frontend published in XenStore of one of its devices. */
interface NamedDevice {
  readonly owner: Domid
  /** `vbd/51712`, `console` */
  readonly label: string
  readonly type: string
  protocol: string | undefined
}

const DEVICE_KEY =
  /^(?:\/local\/domain\/(?<owner>\d{1,5})\/)?device\/(?<type>[^/]+)\/(?<id>[^/]+)\/(?:queue-\d+\/)?(?<key>ring-ref|event-channel|protocol)\d*$/
const CONSOLE_PORT = /^(?:\/local\/domain\/(?<owner>\d{1,5})\/)?console\/port$/

/** What is granted under these references needs no publishing. */
const startOfDay = new Map<number, string>([
  [GRANT_RESERVED_CONSOLE, 'console'],
  [GRANT_RESERVED_XENSTORE, 'xenstore'],
])

const U32 = 2 ** 32

/** A frontend that connects again and again publishes ever new numbers: the oldest are forgotten beyond so many. */
const MOST_NUMBERS = 16_384

/** One number for a domain's port or grant reference. */
const place = (domid: Domid, number: number): number => domid * U32 + number

/** A backend serves devices of many guests, and several are called the same. */
const labelFor = (viewer: Domid, { owner, label }: Pick<NamedDevice, 'owner' | 'label'>): string =>
  viewer === owner ? label : `${label} of domain ${owner}`

const remember = (map: Map<number, NamedDevice>, key: number, device: NamedDevice): void => {
  map.delete(key)
  map.set(key, device)
  if (map.size > MOST_NUMBERS) map.delete(map.keys().next().value!)
}

/**
 * What the ports and grants of domains are for, learnt from the XenStore traffic that passes by: frontends publish it, and
 * backends read it, before the first request.
 */
export class DeviceNames {
  readonly #layouts: Readonly<Record<string, SlotLayoutsOf>>
  readonly #devices = new Map<string, NamedDevice>()
  readonly #refs = new Map<number, NamedDevice>()
  readonly #ports = new Map<number, NamedDevice>()
  /** Goes up whenever something was learnt: who found no name looks again then, and not before. */
  version = 0

  /** @param layouts how rings are laid out, by the device's type */
  constructor(layouts: Readonly<Record<string, SlotLayoutsOf>>) {
    this.#layouts = layouts
  }

  /** @param reader the domain that wrote or read the value: relative paths are its own */
  learn(reader: Domid, path: string, value: string): void {
    const groups = (DEVICE_KEY.exec(path) ?? CONSOLE_PORT.exec(path))?.groups
    if (groups === undefined) return
    const owner = (groups['owner'] === undefined ? reader : Number(groups['owner'])) as Domid
    const device = this.#device(owner, groups['type'], groups['id'])
    if (groups['key'] === 'protocol') device.protocol = value
    else if (/^\d{1,10}$/.test(value) && Number(value) < U32)
      remember(groups['key'] === 'ring-ref' ? this.#refs : this.#ports, place(owner, Number(value)), device)
    this.version++
  }

  /** The local end of a channel is for what the remote end is for. */
  bound(domid: Domid, port: Port, remoteDomid: Domid, remotePort: Port): void {
    const device = this.#ports.get(place(remoteDomid, remotePort))
    if (device === undefined) this.forgetPort(domid, port)
    else remember(this.#ports, place(domid, port), device)
  }

  /** Numbers are used again: what was known of this one was known of its predecessor. */
  forgetPort(domid: Domid, port: Port): void {
    this.#ports.delete(place(domid, port))
  }

  forgetRefs(domid: Domid, refs: readonly GrantRef[]): void {
    for (const ref of refs) this.#refs.delete(place(domid, ref))
  }

  /** @param viewer in whose steps it is named */
  labelOfRef(viewer: Domid, granter: Domid, ref: GrantRef): string | undefined {
    const label = startOfDay.get(ref)
    const device = label === undefined ? this.#refs.get(place(granter, ref)) : { owner: granter, label }
    return device && labelFor(viewer, device)
  }

  layoutsOfRef(granter: Domid, ref: GrantRef): SlotLayouts | undefined {
    const device = this.#refs.get(place(granter, ref))
    return device && this.#layouts[device.type]?.(device.protocol)
  }

  /** Every port whose purpose is known. */
  ports(): { readonly domid: Domid; readonly port: Port; readonly label: string }[] {
    return [...this.#ports].map(([key, device]) => {
      const domid = Math.floor(key / U32) as Domid
      return { domid, port: (key % U32) as Port, label: labelFor(domid, device) }
    })
  }

  #device(owner: Domid, type = 'console', id?: string): NamedDevice {
    const key = `${owner}/${type}/${id ?? ''}`
    let device = this.#devices.get(key)
    if (device === undefined) {
      device = { owner, label: id === undefined ? type : `${type}/${id}`, type, protocol: undefined }
      this.#devices.set(key, device)
    }
    return device
  }
}
