import type { GuestPage } from './guest-page.js'

/** @see xen/include/public/io/xs_wire.h xenstore_domain_interface */
const RING_BYTES = 1024
const REQUESTS_AT = 0
const REPLIES_AT = 1024
const REQ_CONS_AT = 2048
const REQ_PROD_AT = 2052
const RSP_CONS_AT = 2056
const RSP_PROD_AT = 2060

/** A guest's end of XenStore's ring: bytes go in, bytes come out. */
export class GuestRing {
  readonly #page: GuestPage
  readonly #word = new Uint8Array(4)
  readonly #view = new DataView(this.#word.buffer)
  readonly #waiting: Uint8Array[] = []

  constructor(page: GuestPage, onBytes: (bytes: Uint8Array) => void) {
    this.#page = page
    page.listen(() => {
      const bytes = this.#take()
      const put = this.#put()
      if (bytes.length > 0 || put) page.notify()
      if (bytes.length > 0) onBytes(bytes)
    })
  }

  send(bytes: Uint8Array): void {
    this.#waiting.push(bytes)
    if (this.#put()) this.#page.notify()
  }

  #take(): Uint8Array {
    const producer = this.#load(RSP_PROD_AT)
    const consumer = this.#load(RSP_CONS_AT)
    const bytes = new Uint8Array((producer - consumer) >>> 0)
    this.#split(consumer, bytes, (offset, part) => this.#page.read(REPLIES_AT + offset, part))
    if (bytes.length > 0) this.#store(RSP_CONS_AT, producer)
    return bytes
  }

  /** @returns whether anything was put into the ring */
  #put(): boolean {
    let producer = this.#load(REQ_PROD_AT)
    let room = RING_BYTES - ((producer - this.#load(REQ_CONS_AT)) >>> 0)
    const before = producer
    for (let bytes = this.#waiting[0]; bytes !== undefined && room > 0; bytes = this.#waiting[0]) {
      const part = bytes.subarray(0, room)
      this.#split(producer, part, (offset, piece) => this.#page.write(REQUESTS_AT + offset, piece))
      producer = (producer + part.length) >>> 0
      room -= part.length
      if (part.length === bytes.length) this.#waiting.shift()
      else this.#waiting[0] = bytes.subarray(part.length)
    }
    if (producer === before) return false
    this.#store(REQ_PROD_AT, producer)
    return true
  }

  /** Hands out `bytes` in the one or two pieces that lie together in the ring. */
  #split(index: number, bytes: Uint8Array, each: (offset: number, piece: Uint8Array) => void): void {
    const offset = index % RING_BYTES
    const first = Math.min(bytes.length, RING_BYTES - offset)
    if (first > 0) each(offset, bytes.subarray(0, first))
    if (first < bytes.length) each(0, bytes.subarray(first))
  }

  #load(offset: number): number {
    this.#page.read(offset, this.#word)
    return this.#view.getUint32(0, true)
  }

  #store(offset: number, value: number): void {
    this.#view.setUint32(0, value, true)
    this.#page.write(offset, this.#word)
  }
}
