/** A split driver of one's own: GPIO pins that live in one domain, read and set from another. Both halves, whole. */
import { struct, u8, u32, XenError } from '@split-driver/abi'
import type { Platform } from '@split-driver/platform'
import type { BackRing, FrontRing } from '@split-driver/ring'
import {
  BackConnection,
  BackendDevice,
  eachRequest,
  eachResponse,
  FrontConnection,
  FrontendDevice,
  flag,
  keySet,
  numberKey,
  ringKeys,
} from '@split-driver/xenbus'

const request = struct('pin_request', 8, { id: u32(0), pin: u8(4), set: u8(5), level: u8(6) })
const response = struct('pin_response', 8, { id: u32(0), okay: u8(4), level: u8(5) })
const backendKeys = keySet({ pins: numberKey(1, 256), 'feature-set': flag(false) })

export class PinFrontend extends FrontendDevice<Platform> {
  offer = { pins: 0, 'feature-set': false }
  #connection: FrontConnection | undefined
  #asked = new Map<number, (answer: number | Error) => void>()
  #nextId = 0
  #words = new Int32Array(request.words)
  get = (pin: number): Promise<number> => this.#ask({ pin, set: 0, level: 0 })
  set = (pin: number, level: 0 | 1): Promise<number> => this.#ask({ pin, set: 1, level })

  #ask(what: { pin: number; set: number; level: number }): Promise<number> {
    const connection = this.#connection
    if (!connection || connection.ring.isFull()) return Promise.reject(new XenError('EBUSY', 'ask again later'))
    const id = this.#nextId++ >>> 0
    request.write(this.#words, { id, ...what })
    connection.ring.putRequest(this.#words, 0, request.words)
    connection.push()
    return new Promise((resolve, reject) => {
      this.#asked.set(id, (answer) => (typeof answer === 'number' ? resolve(answer) : reject(answer)))
    })
  }

  #take = (ring: FrontRing): void => {
    ring.copyResponse(this.#words, 0, response.words)
    ring.consumeResponse()
    const { id, okay, level } = response.read(this.#words)
    const settle = this.#asked.get(id)
    this.#asked.delete(id)
    if (settle) settle(okay ? level : new XenError('EINVAL', 'there is no such pin'))
    else this.fail(new XenError('RING_BAD_RESPONSE', `nobody asked for answer ${id}`))
  }

  protected override publish() {
    const service = { slotBytes: request.bytes, serve: eachResponse(this.#take) }
    this.#connection = FrontConnection.open(this.host, { ...this.peer, ...service })
    return this.#connection.keys
  }

  protected override async connect(): Promise<void> {
    this.offer = await this.readOtherend(backendKeys)
  }

  protected override disconnect(): void {
    this.#connection?.close()
    this.#connection = undefined
    for (const settle of this.#asked.values()) settle(new XenError('CLOSED', 'the pins are gone'))
    this.#asked.clear()
  }
}

export class PinBackend extends BackendDevice<Platform> {
  readonly levels = new Uint8Array(8)
  #connection: BackConnection | undefined
  #words = new Int32Array(request.words)

  #take = (ring: BackRing): void => {
    ring.copyRequest(this.#words, 0, 0, request.words)
    ring.consumeRequest()
    const { id, pin, set, level } = request.read(this.#words)
    const okay = pin < this.levels.length ? 1 : 0
    if (okay && set) this.levels[pin] = level & 1
    ring.putResponse(response.create({ id, okay, level: this.levels[pin] ?? 0 }), 0, response.words)
  }

  protected override offer() {
    return backendKeys.format({ pins: this.levels.length, 'feature-set': true })
  }

  protected override async connect(): Promise<void> {
    const { 'ring-ref': ref, 'event-channel': remotePort } = await this.readOtherend(ringKeys)
    const service = { refs: [ref], remotePort, slotBytes: request.bytes, serve: eachRequest(this.#take) }
    this.#connection = BackConnection.open(this.host, { ...this.peer, ...service })
  }

  protected override disconnect(): void {
    this.#connection?.close()
    this.#connection = undefined
  }
}
