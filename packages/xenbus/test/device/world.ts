import type { Domid } from '@split-driver/abi'
import {
  BackendDevice,
  type DeviceHost,
  FrontendDevice,
  isLegalTransition,
  type KeysToWrite,
  keySet,
  u32Key,
  XenbusState,
} from '@split-driver/xenbus'
import { expect } from 'vitest'
import { type Hops, type MemoryView, MemoryXenStore } from '../memory-xenstore.js'
import { settle } from '../settle.js'

export const FRONTEND_DOMID = 1
export const ringKeys = keySet({ 'ring-ref': u32Key() })
export const offerKeys = keySet({ size: u32Key() })

/** Hooks as they were called; `overlap` if two ever ran at the same time. */
export class HookLog {
  readonly calls: string[] = []
  overlap = false
  #running = false

  async record(name: string, hops: number): Promise<void> {
    this.calls.push(name)
    this.overlap ||= this.#running
    this.#running = true
    for (; hops > 0; hops--) await undefined
    this.#running = false
  }

  count(name: string): number {
    return this.calls.filter((call) => call === name).length
  }
}

type HookName = 'publish' | 'offer' | 'connect' | 'disconnect' | 'quiesce' | 'otherendChanged'

/** What a test may put into a device's hooks, after they have been logged. */
export type Overrides = Partial<Record<HookName, () => void | Promise<void>>>

export class ProbeFrontend extends FrontendDevice {
  readonly log = new HookLog()
  readonly overrides: Overrides = {}
  size = 0

  protected override async publish(): Promise<KeysToWrite> {
    await this.log.record('publish', 2)
    await this.overrides.publish?.()
    return { 'ring-ref': 8, 'feature-x': true, unset: undefined }
  }

  protected override async connect(): Promise<void> {
    await this.log.record('connect', 2)
    this.size = (await this.readOtherend(offerKeys)).size
    await this.overrides.connect?.()
  }

  protected override async quiesce(): Promise<void> {
    this.log.calls.push('quiesce')
    await this.overrides.quiesce?.()
  }

  protected override async disconnect(): Promise<void> {
    await this.log.record('disconnect', 3)
    await this.overrides.disconnect?.()
  }

  protected override async otherendChanged(): Promise<void> {
    await this.log.record(`otherend ${this.otherendState}`, 1)
  }

  override fail(error: Error): void {
    super.fail(error)
  }
}

export class ProbeBackend extends BackendDevice {
  readonly log = new HookLog()
  readonly overrides: Overrides = {}
  ref = 0

  protected override async offer(): Promise<KeysToWrite> {
    await this.log.record('offer', 2)
    await this.overrides.offer?.()
    return { 'feature-y': '1' }
  }

  protected override async connect(): Promise<KeysToWrite> {
    await this.log.record('connect', 2)
    this.ref = (await this.readOtherend(ringKeys))['ring-ref']
    await this.overrides.connect?.()
    return { size: 512 }
  }

  protected override async disconnect(): Promise<void> {
    await this.log.record('disconnect', 3)
    await this.overrides.disconnect?.()
  }

  protected override async otherendChanged(): Promise<void> {
    await this.log.record(`otherend ${this.otherendState}`, 1)
  }

  override fail(error: Error): void {
    super.fail(error)
  }
}

/** One device in two domains, as a toolstack makes it, and raw access to its keys. */
export class DeviceWorld {
  readonly store: MemoryXenStore
  readonly guest: DeviceHost & { readonly xenstore: MemoryView }
  readonly dom0: DeviceHost & { readonly xenstore: MemoryView }
  readonly id: number
  readonly frontendPath: string
  readonly backendPath: string
  readonly frontendDirectory: string
  readonly backendDirectory: string

  constructor(options: { hops?: Hops; id?: number; store?: MemoryXenStore } = {}) {
    this.store = options.store ?? new MemoryXenStore(options.hops)
    this.id = options.id ?? 0
    this.guest = { domid: FRONTEND_DOMID as Domid, xenstore: this.store.view(FRONTEND_DOMID) }
    this.dom0 = { domid: 0 as Domid, xenstore: this.store.view(0) }
    this.frontendPath = `device/pin/${this.id}`
    this.backendPath = `backend/pin/${FRONTEND_DOMID}/${this.id}`
    this.frontendDirectory = `/local/domain/1/${this.frontendPath}`
    this.backendDirectory = `/local/domain/0/${this.backendPath}`
    this.create()
  }

  /** Both directories, at once. */
  create(): void {
    const { frontendDirectory: f, backendDirectory: b } = this
    this.setAll({
      [`${f}/backend`]: b,
      [`${f}/backend-id`]: '0',
      [`${f}/state`]: '1',
      [`${b}/frontend`]: f,
      [`${b}/frontend-id`]: '1',
      [`${b}/online`]: '1',
      [`${b}/state`]: '1',
    })
  }

  setAll(values: Record<string, string | undefined>): void {
    const commit = ++this.store.commits
    const changes = Object.entries(values).map(([path, value]) => ({ domid: 99 as Domid, commit, path, value }))
    this.store.apply(changes)
  }

  frontend(key: string, value?: string): string | undefined {
    return this.#key(`${this.frontendDirectory}/${key}`, value)
  }

  backend(key: string, value?: string): string | undefined {
    return this.#key(`${this.backendDirectory}/${key}`, value)
  }

  get states(): [frontend: string | undefined, backend: string | undefined] {
    return [this.frontend('state'), this.backend('state')]
  }

  remove(directory: string): void {
    this.setAll({ [directory]: undefined })
  }

  /** Every state that one domain wrote into a directory, in order. */
  statesWritten(directory: string, domid: number): XenbusState[] {
    return this.store.changes
      .filter((change) => change.path === `${directory}/state` && change.domid === domid && change.value !== undefined)
      .map(({ value }) => Number(value) as XenbusState)
  }

  /** Both halves, connected. */
  async connect(): Promise<{ frontend: ProbeFrontend; backend: ProbeBackend }> {
    const frontend = new ProbeFrontend(this.guest, this.frontendPath)
    const backend = new ProbeBackend(this.dom0, this.backendPath)
    await Promise.all([backend.open(), frontend.open()])
    await settle()
    return { frontend, backend }
  }

  #key(path: string, value: string | undefined): string | undefined {
    if (value !== undefined) this.setAll({ [path]: value })
    return this.store.nodes.get(path)
  }
}

export const expectLegal = (states: readonly XenbusState[]): void => {
  const steps = [XenbusState.Initialising, ...states]
  for (let i = 1; i < steps.length; i++)
    expect(isLegalTransition(steps[i - 1]!, steps[i]!), `${steps[i - 1]} to ${steps[i]}`).toBe(true)
}
