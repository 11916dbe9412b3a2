import type { GuestHandle, GuestOptions, StoreAccess, Suite, World } from '@split-driver/conformance'
import { EmulatedWorld } from '@split-driver/emulator'
import type { Clock, Platform } from '@split-driver/platform'
import { createEmulatedWorld } from '../worlds/emulated-world.js'
import { tamperedChannel, type WireDefect } from './tampered-channel.js'

/** What is wrong with every platform of a world: methods that take the place of the right ones. */
export interface Defect {
  readonly events?: (right: Platform['events']) => Partial<Platform['events']>
  readonly sharer?: (right: Platform['sharer']) => Partial<Platform['sharer']>
  readonly mapper?: (right: Platform['mapper']) => Partial<Platform['mapper']>
  readonly xenstore?: (right: Platform['xenstore']) => Partial<Platform['xenstore']>
  /** Of each connection to XenStore's server. */
  readonly wire?: () => WireDefect
}

/** A suite waits seconds for what does not happen; on a world with a defect they pass faster. */
const HURRY = 40

const hurried = (clock: Clock): Clock => ({
  now: () => clock.now() * HURRY,
  setTimer: (milliseconds, callback) => clock.setTimer(milliseconds / HURRY, callback),
})

const withDefect = <T extends object>(right: T, wrong: Partial<T> = {}): T =>
  new Proxy(right, {
    get: (target, key: string & keyof T) => {
      const value = wrong[key] ?? target[key]
      return typeof value === 'function' && !(key in wrong) ? value.bind(target) : value
    },
  })

const defective = (platform: Platform, defect: Defect): Platform =>
  withDefect(platform, {
    clock: hurried(platform.clock),
    events: withDefect(platform.events, defect.events?.(platform.events)),
    sharer: withDefect(platform.sharer, defect.sharer?.(platform.sharer)),
    mapper: withDefect(platform.mapper, defect.mapper?.(platform.mapper)),
    xenstore: withDefect(platform.xenstore, defect.xenstore?.(platform.xenstore)),
  })

class DefectiveWorld implements World {
  readonly dom0: Platform
  readonly #right: World
  readonly #defect: Defect

  constructor(right: World, defect: Defect) {
    this.#right = right
    this.#defect = defect
    this.dom0 = defective(right.dom0, defect)
  }

  get supports() {
    return this.#right.supports
  }

  get toolstack() {
    return this.#right.toolstack
  }

  get store(): StoreAccess {
    const right = this.#right.store!
    return {
      connect: async () => {
        const channel = await right.connect()
        return this.#defect.wire ? tamperedChannel(channel, this.#defect.wire()) : channel
      },
      createDomain: () => right.createDomain(),
    }
  }

  async createGuest(options?: GuestOptions): Promise<GuestHandle> {
    const guest = await this.#right.createGuest(options)
    return { ...guest, platform: defective(guest.platform, this.#defect) }
  }

  stranger() {
    return this.#right.stranger()
  }

  ledger() {
    return this.#right.ledger()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#right[Symbol.asyncDispose]()
  }
}

/** A suite's cases by name, over worlds with a defect, or over right ones if there is none. */
export const casesOf = (suite: Suite, defect?: Defect): Map<string, () => Promise<void>> => {
  const cases = new Map<string, () => Promise<void>>()
  suite({
    test: (name, body) => void cases.set(name, body),
    notRun: () => {},
    world: async () => {
      const world = await createEmulatedWorld('inline')
      return defect === undefined ? world : new DefectiveWorld(world, defect)
    },
    supports: EmulatedWorld.supports('inline'),
  })
  return cases
}
