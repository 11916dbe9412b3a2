import type { Port } from '@split-driver/abi'
import { X86_64_ABI } from '@split-driver/blkif'
import type { Mapping } from '@split-driver/grant'
import type { Platform } from '@split-driver/platform'
import { BackRing } from '@split-driver/ring'
import { BackendDevice, grantRefKey, type KeysToWrite, keySet, portKey } from '@split-driver/xenbus'

const RING = keySet({ 'ring-ref': grantRefKey(), 'event-channel': portKey() })

/** A backend that moves no data, and answers what the test says; for rings of one page. */
export class ScriptedBackend extends BackendDevice<Platform> {
  /** Operations that came. */
  readonly seen: number[] = []
  #mapping: Mapping | undefined
  #port: Port | undefined
  readonly #keys: KeysToWrite
  readonly #answer: (ring: BackRing) => void

  /**
   * @param keys what it publishes with its state Connected
   * @param answer the status for each operation, okay for the others; or what to do with the ring at each event
   */
  constructor(
    dom0: Platform,
    path: string,
    keys: KeysToWrite,
    answer: Readonly<Record<number, number>> | ((ring: BackRing) => void),
  ) {
    super(dom0, path)
    this.#keys = keys
    this.#answer = typeof answer === 'function' ? answer : (ring) => this.#respond(ring, answer)
  }

  protected async connect(): Promise<KeysToWrite> {
    const { mapper, events } = this.host
    const keys = await this.readOtherend(RING)
    this.#mapping = mapper.map(this.otherend.domid, [keys['ring-ref']], 'writable')
    this.#port = events.bindInterdomain(this.otherend.domid, keys['event-channel'])
    const ring = BackRing.attach(this.#mapping.memory, X86_64_ABI.slotBytes)
    events.listen(this.#port, (port) => {
      this.#answer(ring)
      events.notify(port)
      events.eoi(port)
    })
    return this.#keys
  }

  protected disconnect(): void {
    if (this.#port) this.host.events.unbind(this.#port)
    if (this.#mapping) this.host.mapper.unmap(this.#mapping)
    this.#mapping = undefined
    this.#port = undefined
  }

  #respond(ring: BackRing, statuses: Readonly<Record<number, number>>): void {
    const words = new Int32Array(X86_64_ABI.request.words)
    while (ring.finalCheckForRequests()) {
      ring.copyRequest(words, 0, 0, words.length)
      ring.consumeRequest()
      const { id, operation } = X86_64_ABI.request.read(words)
      this.seen.push(operation)
      ring.putResponse(X86_64_ABI.response.create({ id, operation, status: statuses[operation] ?? 0 }), 0, 3)
    }
    ring.pushResponses()
  }
}
