/**
 * A hash of all that happened, in its order: two runs with the same hash made the same choices and the same hypercalls.
 * 64 bits in two lanes; good against accidents, not against an adversary.
 */
export class TraceHash {
  #low = 0x811c_9dc5
  #high = 0x1b87_3593
  #count = 0

  /** Steps that went in. */
  get count(): number {
    return this.#count
  }

  /** One step: what it was, and its figures. */
  step(kind: number, first: number, second: number): void {
    this.#count++
    this.#mix(kind)
    this.#mix(first)
    this.#mix(second)
  }

  /** Numbers, texts, bytes by their number, and lists and plain objects of these; what else there is counts as one thing. */
  value(value: unknown): void {
    if (typeof value === 'number') this.#number(value)
    else if (typeof value === 'string') this.#text(value)
    else if (typeof value === 'bigint') this.#text(value.toString())
    else if (typeof value === 'boolean') this.#mix(value ? 3 : 5)
    else if (ArrayBuffer.isView(value)) this.#mix(value.byteLength)
    else if (Array.isArray(value)) this.#list(value)
    else if (isPlain(value)) this.#list(Object.values(value))
    else this.#mix(value === undefined ? 7 : 11)
  }

  /** 16 hexadecimal digits: the hash of everything so far. */
  digest(): string {
    return hex(finish(this.#high ^ finish(this.#low))) + hex(finish(this.#low ^ finish(this.#high)))
  }

  #number(value: number): void {
    this.#mix(value | 0)
    if (value !== (value | 0)) this.#mix(Math.floor(value / 2 ** 32) ^ Math.floor((value % 1) * 2 ** 31))
  }

  #text(text: string): void {
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i))
    this.#mix(text.length)
  }

  #list(values: readonly unknown[]): void {
    for (const value of values) this.value(value)
    this.#mix(values.length)
  }

  #mix(word: number): void {
    this.#low = Math.imul(this.#low ^ word, 0x0100_0193) ^ (this.#low >>> 15)
    const turned = (this.#high << 13) | (this.#high >>> 19)
    this.#high = (Math.imul(turned ^ Math.imul(word, 0xcc9e_2d51), 5) + 0xe654_6b64) | 0
  }
}

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype

const finish = (word: number): number => {
  const mixed = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b)
  return Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35) ^ (mixed >>> 16)
}

const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0')
