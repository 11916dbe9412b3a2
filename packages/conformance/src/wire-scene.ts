import type { Clock } from '@split-driver/platform'
import { domainPath, XenStoreOp } from '@split-driver/xenbus'
import { assertEqual } from './assert.js'
import type { BareDomain, StoreAccess } from './store-access.js'
import { WireProbe } from './wire-probe.js'
import type { World } from './world.js'

/** Where a case's nodes are; gone with its scene. */
export const BASE = '/conformance'

/** A domain that the case plays itself, by what it writes into its ring. */
export class WireDomain {
  readonly bare: BareDomain
  readonly home: string
  /** The domain's end of its ring. */
  readonly wire: WireProbe

  constructor(bare: BareDomain, clock: Clock) {
    this.bare = bare
    this.home = domainPath(bare.domid)
    this.wire = new WireProbe(bare.channel, clock)
  }

  get domid(): number {
    return this.bare.domid
  }

  /** The domid and its page's address, as INTRODUCE takes them. */
  get introduction(): readonly number[] {
    return [this.bare.domid, this.bare.frame | 0, this.bare.port]
  }
}

/** Clients of XenStore's wire for one case: of the control domain, and of domains that the case makes. */
export class WireScene implements AsyncDisposable {
  readonly dom0: WireProbe
  readonly #store: StoreAccess
  readonly #clock: Clock
  readonly #clients: WireProbe[] = []
  readonly #domains: WireDomain[] = []

  static async open(world: World): Promise<WireScene> {
    const { store, dom0 } = world
    if (store === undefined) throw new TypeError('this world has no way to XenStore’s wire')
    return new WireScene(store, dom0.clock, new WireProbe(await store.connect(), dom0.clock))
  }

  private constructor(store: StoreAccess, clock: Clock, dom0: WireProbe) {
    this.#store = store
    this.#clock = clock
    this.dom0 = dom0
  }

  /** One more client of the control domain. */
  async connect(): Promise<WireProbe> {
    const client = new WireProbe(await this.#store.connect(), this.#clock)
    this.#clients.push(client)
    return client
  }

  /** A domain that XenStore was not told of. */
  async createDomain(): Promise<WireDomain> {
    const domain = new WireDomain(await this.#store.createDomain(), this.#clock)
    this.#domains.push(domain)
    return domain
  }

  /** A domain as a toolstack builds it: with a home of its own, and introduced. */
  async createGuest(): Promise<WireDomain> {
    const guest = await this.createDomain()
    await this.introduce(guest)
    return guest
  }

  async introduce(domain: WireDomain): Promise<void> {
    assertEqual(await this.dom0.mkdir(domain.home), 'OK', 'MKDIR of its home')
    assertEqual(await this.dom0.setPerms(domain.home, [`n${domain.domid}`]), 'OK', 'SET_PERMS of its home')
    assertEqual(await this.dom0.tell(XenStoreOp.Introduce, ...domain.introduction), 'OK', 'INTRODUCE')
  }

  /** As when a domain's end is known to the toolstack alone: it can be introduced again. */
  async release(domain: WireDomain): Promise<void> {
    assertEqual(await this.dom0.tell(XenStoreOp.Release, domain.domid), 'OK', 'RELEASE')
    await this.dom0.rm(domain.home)
  }

  /** Makes a node with these permissions. */
  async allow(path: string, ...permissions: readonly string[]): Promise<void> {
    assertEqual(await this.dom0.mkdir(path), 'OK', `MKDIR ${path}`)
    assertEqual(await this.dom0.setPerms(path, permissions), 'OK', `SET_PERMS ${path}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { bare } of this.#domains) await bare.destroy()
    for (const client of this.#clients) client.channel.close()
    if (this.dom0.channel.closed) return
    for (const { home } of this.#domains) await this.dom0.rm(home)
    await this.dom0.rm(BASE)
    this.dom0.channel.close()
  }
}

/** A case over such a scene. */
export const onWire =
  (run: (scene: WireScene) => Promise<void>) =>
  async (world: World): Promise<void> => {
    await using scene = await WireScene.open(world)
    await run(scene)
  }
