import type { Domid, GrantRef, SharedMemory } from '@split-driver/abi'
import { distance, mustNotify } from '@split-driver/ring'
import type { DomainTracer } from './domain-tracer.js'
import { type RingIndex, ringIndexAt } from './ring-indices.js'
import { SlotReader } from './slot-reader.js'

const INDICES = 4

/**
 * Tells from the ordered accesses of one end what becomes of a ring. What it knows of an index is what this end wrote or
 * found there; an index that is met for the first time, and its partner, begin where it stands then.
 */
export class RingFollower {
  readonly #tracer: DomainTracer
  readonly #memory: SharedMemory
  readonly #granter: Domid
  readonly #ref: GrantRef
  readonly #slots: SlotReader
  readonly #last = new Int32Array(INDICES)
  /** Bit i: `#last[i]` means something. */
  #known = 0
  #ring = 0
  /** The publication whose event index has not been looked at yet. */
  #published: RingIndex | undefined
  #publishedFrom = 0

  /** @param memory what lies beneath; its first page is `granter`'s `ref` */
  constructor(tracer: DomainTracer, memory: SharedMemory, granter: Domid, ref: GrantRef) {
    this.#tracer = tracer
    this.#memory = memory
    this.#granter = granter
    this.#ref = ref
    this.#slots = new SlotReader(memory, () => tracer.recorder.names.layoutsOfRef(granter, ref))
  }

  /** The whole header has been written: a new ring. */
  initialised(): void {
    this.#last.fill(0)
    this.#known = (1 << INDICES) - 1
    this.#published = undefined
  }

  /** `value` is about to be stored at `word`. */
  storing(word: number, value: number): void {
    const index = ringIndexAt(word)
    if (index === undefined) return
    if (index.wakesAt !== undefined) {
      this.#tracer.step('ring.ask', this.#number(), index.name, value >>> 0)
      return
    }
    if (!this.#isKnown(index)) this.#begin(index, this.#memory.load(word))
    const from = this.#last[index.place]!
    if (from === (value | 0)) return
    if (index.publishes !== undefined) {
      this.#entries(index, 'put', from, value)
      this.#published = index
      this.#publishedFrom = from
    }
    this.#moved('ring.publish', index, value)
  }

  /** `value` was found at `word`. */
  loaded(word: number, value: number): void {
    const index = ringIndexAt(word)
    if (index === undefined) return
    if (index.wakesAt !== undefined) this.#decided(index.wakesAt, value)
    else if (!this.#isKnown(index)) this.#begin(index, value)
    else if (this.#last[index.place] !== value) {
      const from = this.#last[index.place]!
      this.#moved('ring.see', index, value)
      if (index.publishes !== undefined) this.#entries(index, 'take', from, value)
    }
  }

  #moved(name: 'ring.publish' | 'ring.see', index: RingIndex, value: number): void {
    const from = this.#last[index.place]!
    this.#last[index.place] = value
    this.#tracer.step(name, this.#number(), index.name, from >>> 0, value >>> 0, distance(value, from))
  }

  /** The other end's event index was looked at; after a publication that is the question whether to notify. */
  #decided(place: number, event: number): void {
    const index = this.#published
    if (index?.place !== place) return
    this.#published = undefined
    const notify = mustNotify(this.#last[place]!, event, this.#publishedFrom)
    this.#tracer.step('ring.decide', this.#number(), index.name, event >>> 0, notify)
  }

  /** The entries between two values of a producer index; none if there cannot be as many. */
  #entries({ publishes }: RingIndex, verb: 'put' | 'take', from: number, to: number): void {
    const { step } = this.#tracer
    const slots = this.#slots
    const count = distance(to, from)
    if (count > slots.ringSize(this.#tracer.recorder.names.version)) return
    for (let i = 0; i < count; i++) {
      if (publishes === 'request') {
        slots.readRequest(from + i)
        step(verb === 'put' ? 'ring.put-request' : 'ring.take-request', this.#number(), slots.id, slots.op)
      } else {
        slots.readResponse(from + i)
        const name = verb === 'put' ? 'ring.put-response' : 'ring.take-response'
        step(name, this.#number(), slots.id, slots.op, slots.status)
      }
    }
  }

  #begin(index: RingIndex, value: number): void {
    this.#last[index.place] = value
    this.#last[index.partner] = value
    this.#known |= (1 << index.place) | (1 << index.partner)
  }

  #isKnown(index: RingIndex): boolean {
    return (this.#known & (1 << index.place)) !== 0
  }

  #number(): number {
    if (this.#ring === 0) this.#ring = this.#tracer.recorder.nextRing(this.#tracer.domid, this.#granter, this.#ref)
    return this.#ring
  }
}
