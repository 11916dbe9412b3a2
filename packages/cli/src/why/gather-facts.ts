import { domid as asDomid, type Domid, type GrantRef, grantRef, type Port, XenError } from '@split-driver/abi'
import { abiOf, virtualDeviceName } from '@split-driver/blkif'
import type { GrantInspection, Inspection } from '@split-driver/emulator'
import { GRANT_RESERVED_CONSOLE, GRANT_RESERVED_ENTRIES, GRANT_RESERVED_XENSTORE } from '@split-driver/grant'
import { errorNode, type XenStore } from '@split-driver/xenbus'
import type { DeviceFacts, Half, PortFacts, RingGrant } from './device-facts.js'
import { BYTE_RINGS, byteRingFacts, requestRingFacts } from './ring-facts.js'

/** Pages of a ring at most, as far as this looks. */
const MOST_PAGES = 16

/** The rings that every guest has from its start of day: reference, and where their port is told. */
const START_OF_DAY = [
  { device: 'xenstore', ref: GRANT_RESERVED_XENSTORE, port: 'store/port' },
  { device: 'console', ref: GRANT_RESERVED_CONSOLE, port: 'console/port' },
] as const

/**
 * Looks at a guest's devices from outside: XenStore's keys, the rings' pages, the ports and the grants. Whatever the guest
 * wrote is taken as a hint only; what makes no sense is left out.
 */
export class FactGatherer {
  readonly #store: Pick<XenStore, 'tryRead' | 'directory'>
  readonly #inspection: Inspection

  constructor(store: Pick<XenStore, 'tryRead' | 'directory'>, inspection: Inspection) {
    this.#store = store
    this.#inspection = inspection
  }

  /** The start-of-day rings, then each device in the order of XenStore's directories. */
  async gather(domid: Domid): Promise<DeviceFacts[]> {
    const grants = this.#inspection.grants(domid)
    const facts: DeviceFacts[] = []
    for (const ring of START_OF_DAY) facts.push(...(await this.#startOfDay(domid, ring, grants)))
    const base = `/local/domain/${domid}/device`
    for (const type of await this.#directory(base))
      for (const id of await this.#directory(`${base}/${type}`)) facts.push(await this.#device(domid, type, id, grants))
    return facts
  }

  async #startOfDay(
    domid: Domid,
    { device, ref, port }: (typeof START_OF_DAY)[number],
    grants: readonly GrantInspection[],
  ): Promise<DeviceFacts[]> {
    const open = await this.#port(`/local/domain/${domid}/${port}`)
    if (open === undefined) return []
    const words = this.#inspection.copyGranted(domid, [grantRef(ref)])
    return [
      {
        device,
        ...this.#ends(domid, open),
        ...(words === undefined ? {} : { ring: byteRingFacts(words, BYTE_RINGS[device]) }),
        ringGrants: ringGrants([grantRef(ref)], grants),
        otherGrants: { count: 0, mapped: 0 },
      },
    ]
  }

  async #device(domid: Domid, type: string, id: string, grants: readonly GrantInspection[]): Promise<DeviceFacts> {
    const path = `/local/domain/${domid}/device/${type}/${id}`
    const backend = await this.#backend(path)
    const port = await this.#port(`${path}/event-channel`)
    const refs = await this.#ringRefs(path)
    const words = refs.length === 0 ? undefined : this.#inspection.copyGranted(domid, refs)
    const abi = type === 'vbd' ? abiOf(await this.#read(`${path}/protocol`)) : undefined
    const alias = type === 'vbd' ? virtualDeviceName(Number(id)) : undefined
    const others = grants.filter(
      ({ ref, remoteDomid }) => remoteDomid === backend?.domid && ref >= GRANT_RESERVED_ENTRIES && !refs.includes(ref),
    )
    return {
      device: `${type}/${id}`,
      ...(alias === undefined ? {} : { alias }),
      frontend: await this.#half(domid, path),
      ...(backend === undefined ? {} : { backend }),
      ...(port === undefined ? {} : this.#ends(domid, port)),
      ...(words === undefined ? {} : { ring: requestRingFacts(words, abi) }),
      ringGrants: ringGrants(refs, grants),
      otherGrants: { count: others.length, mapped: others.filter(({ holders }) => holders.length > 0).length },
    }
  }

  /** Both ends of the channel that the frontend's port is one of. */
  #ends(domid: Domid, port: Port): { frontendPort?: PortFacts; backendPort?: PortFacts } {
    const front = this.#inspection.port(domid, port)
    if (front === undefined) return {}
    const back = front.is === 'interdomain' ? this.#inspection.port(front.remoteDomid, front.remotePort) : undefined
    const end = (of: Domid, { port, is, pending, masked }: NonNullable<typeof back>): PortFacts => {
      return { domid: of, port, is, pending, masked }
    }
    return {
      frontendPort: end(domid, front),
      ...(back === undefined ? {} : { backendPort: end(front.remoteDomid, back) }),
    }
  }

  async #backend(frontendPath: string): Promise<Half | undefined> {
    const path = await this.#read(`${frontendPath}/backend`)
    const domid = await this.#number(`${frontendPath}/backend-id`, 0x7fef)
    if (path === undefined || domid === undefined) return undefined
    // The guest may have written anything there; a backend says itself whose it is.
    if ((await this.#read(`${path}/frontend`)) !== frontendPath) return undefined
    return this.#half(asDomid(domid), path)
  }

  async #half(domid: Domid, path: string): Promise<Half> {
    const state = (await this.#number(`${path}/state`, 8)) ?? 0
    const error = await this.#read(`/local/domain/${domid}/${errorNode({ domid }, path)}`)
    return { domid, path, state, ...(error === undefined ? {} : { error }) }
  }

  async #ringRefs(path: string): Promise<GrantRef[]> {
    const single = await this.#number(`${path}/ring-ref`, 2 ** 32 - 1)
    if (single !== undefined) return [grantRef(single)]
    const refs: GrantRef[] = []
    while (refs.length < MOST_PAGES) {
      const ref = await this.#number(`${path}/ring-ref${refs.length}`, 2 ** 32 - 1)
      if (ref === undefined) break
      refs.push(grantRef(ref))
    }
    return refs
  }

  async #port(path: string): Promise<Port | undefined> {
    return (await this.#number(path, 131_071)) as Port | undefined
  }

  async #number(path: string, most: number): Promise<number | undefined> {
    const text = await this.#read(path)
    return text !== undefined && /^\d{1,10}$/.test(text) && Number(text) <= most ? Number(text) : undefined
  }

  async #directory(path: string): Promise<string[]> {
    return (await this.#askedOf(this.#store.directory(path))) ?? []
  }

  #read(path: string): Promise<string | undefined> {
    return this.#askedOf(this.#store.tryRead(path))
  }

  /** What is not there, or can be no path, is not there. */
  async #askedOf<T>(answer: Promise<T>): Promise<T | undefined> {
    try {
      return await answer
    } catch (error) {
      if (XenError.is(error, 'ENOENT', 'EINVAL')) return undefined
      throw error
    }
  }
}

const ringGrants = (refs: readonly GrantRef[], grants: readonly GrantInspection[]): RingGrant[] =>
  refs.map((ref) => ({ ref, holders: [...(grants.find((grant) => grant.ref === ref)?.holders ?? [])] }))
