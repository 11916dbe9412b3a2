import { settle, type XenStoreWireClient } from '@split-driver/conformance'
import { packStrings, XenStoreOp } from '@split-driver/xenbus'
import type { XenstoreServerOptions } from '@split-driver/xenstored'
import { expect } from 'vitest'
import { StoreWorld } from './store-world.js'

/** How the hostile domain reaches the server. */
export const TRANSPORTS = ['ring', 'channel'] as const

export type Transport = (typeof TRANSPORTS)[number]

/** The hostile domain, and one that means well. */
export const HOSTILE = 5
export const HONEST = 6

/** A server with a control domain, a hostile domain by either transport, and an honest one behind its ring page. */
export class HostileWorld {
  readonly store: StoreWorld
  readonly dom0: XenStoreWireClient
  readonly hostile: XenStoreWireClient
  readonly #honest: XenStoreWireClient
  readonly #control: XenStoreWireClient

  private constructor(store: StoreWorld, hostile: XenStoreWireClient, honest: XenStoreWireClient) {
    this.store = store
    this.dom0 = store.connect()
    this.#control = store.connect()
    this.hostile = hostile
    this.#honest = honest
  }

  static async open(transport: Transport, options: XenstoreServerOptions = {}): Promise<HostileWorld> {
    const store = new StoreWorld(options)
    const dom0 = store.connect()
    for (const domid of [HOSTILE, HONEST]) {
      await dom0.mkdir(`/local/domain/${domid}`)
      await dom0.setPerms(`/local/domain/${domid}`, [`n${domid}`])
    }
    const ring = await store.introduce(HOSTILE)
    const honest = await store.introduce(HONEST)
    return new HostileWorld(store, transport === 'ring' ? ring : store.connect(HOSTILE), honest)
  }

  /** What the server has counted for a domain. */
  async used(name: string, domid = HOSTILE): Promise<number> {
    const said = await this.#control.ask(XenStoreOp.Control, packStrings('quota', String(domid)))
    return Number(new RegExp(`^${name} *: *([0-9]+)`, 'm').exec(said)?.[1])
  }

  /** Nothing is wrong with the server, and the honest domain is served as ever. */
  async expectSound(): Promise<void> {
    await settle(500)
    expect(await this.#control.ask(XenStoreOp.Control, packStrings('check'))).toBe('OK')
    expect(await this.#honest.write('alive', 'yes')).toBe('OK')
    expect(await this.#honest.read('alive')).toBe('yes')
  }
}
