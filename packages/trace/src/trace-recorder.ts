import type { Domid, GrantRef } from '@split-driver/abi'
import { DeviceNames } from './device-names.js'
import type { SlotLayoutsOf } from './slot-layouts.js'
import { type FieldTypes, STEP_FIELDS, type StepName } from './step-fields.js'
import type { Trace, TraceLabel, TraceStep } from './trace.js'

export interface TraceRecorderOptions {
  /** Most steps that are kept; 65,536 unless given. */
  readonly capacity?: number
  /**
   * How the rings of a device type are laid out, so that single requests can be followed: `{ vbd: abiOf }` with blkif's
   * `abiOf`. Of other types only the indices are followed.
   */
  readonly devices?: Readonly<Record<string, SlotLayoutsOf>>
}

/** What a field can hold. */
export type StepValue = FieldTypes[keyof FieldTypes]

/** Most fields of any step. */
const WIDTH = Math.max(...Object.values(STEP_FIELDS).map((fields) => fields.length))

/** One end of a ring that is followed. */
interface FollowedRing {
  readonly domid: Domid
  readonly granter: Domid
  readonly ref: GrantRef
}

/** Rings whose names are kept; data pages are none, so this many have come and gone only after a long time. */
const MOST_RINGS = 4096

/**
 * Keeps the last steps of one or several domains of this thread. Memory is taken once, at the beginning; recording a step
 * makes no object.
 */
export class TraceRecorder {
  readonly capacity: number
  readonly names: DeviceNames
  readonly #times: Float64Array
  readonly #domids: Uint16Array
  readonly #steps: StepName[]
  readonly #values: (StepValue | undefined)[]
  readonly #rings = new Map<number, FollowedRing>()
  /** Steps since the beginning, kept or not. */
  #recorded = 0
  #cleared = 0
  #lastNumber = 0

  /** @throws RangeError unless the capacity is a positive integer */
  constructor({ capacity = 65_536, devices = {} }: TraceRecorderOptions = {}) {
    if (!Number.isInteger(capacity) || capacity < 1)
      throw new RangeError(`a recorder keeps a whole number of steps, at least 1, not ${capacity}`)
    this.capacity = capacity
    this.names = new DeviceNames(devices)
    this.#times = new Float64Array(capacity)
    this.#domids = new Uint16Array(capacity)
    this.#steps = new Array<StepName>(capacity).fill('event.notify')
    this.#values = new Array<StepValue | undefined>(capacity * WIDTH).fill(undefined)
  }

  /** Older steps that had to make room since the beginning or the last `clear`. */
  get dropped(): number {
    return Math.max(0, this.#recorded - this.#cleared - this.capacity)
  }

  /** A number that nothing else of this recorder has. */
  nextNumber(): number {
    return ++this.#lastNumber
  }

  /** A number for one end of a ring on a page of `granter`'s. */
  nextRing(domid: Domid, granter: Domid, ref: GrantRef): number {
    const ring = this.nextNumber()
    this.#rings.set(ring, { domid, granter, ref })
    if (this.#rings.size > MOST_RINGS) this.#rings.delete(this.#rings.keys().next().value!)
    return ring
  }

  /**
   * Keeps one step. `DomainTracer.step` is the way in that knows which values belong to which name.
   * @param time milliseconds
   */
  add(
    domid: Domid,
    time: number,
    name: StepName,
    first?: StepValue,
    second?: StepValue,
    third?: StepValue,
    fourth?: StepValue,
    fifth?: StepValue,
  ): void {
    const place = this.#recorded++ % this.capacity
    this.#times[place] = time
    this.#domids[place] = domid
    this.#steps[place] = name
    const values = this.#values
    const at = place * WIDTH
    values[at] = first
    values[at + 1] = second
    values[at + 2] = third
    values[at + 3] = fourth
    values[at + 4] = fifth
  }

  /** What is held now. */
  trace(): Trace {
    const kept = Math.min(this.#recorded - this.#cleared, this.capacity)
    const first = this.#recorded - kept
    const steps = Array.from({ length: kept }, (_, i) => this.#step((first + i) % this.capacity))
    return { steps, dropped: this.dropped, labels: [...this.#portLabels(), ...this.#ringLabels()] }
  }

  /** Forgets the steps, not what things are called. */
  clear(): void {
    this.#cleared = this.#recorded
    this.#values.fill(undefined)
  }

  #step(place: number): TraceStep {
    const name = this.#steps[place]!
    const fields = STEP_FIELDS[name].map((field, i) => [field, this.#values[place * WIDTH + i]])
    // The values went in as `DomainTracer.step` demands for this name.
    return {
      time: this.#times[place]!,
      domid: this.#domids[place]! as Domid,
      name,
      fields: Object.fromEntries(fields),
    } as TraceStep
  }

  #portLabels(): TraceLabel[] {
    return this.names.ports().map(({ domid, port, label }) => ({ domid, kind: 'port', number: port, label }))
  }

  #ringLabels(): TraceLabel[] {
    return [...this.#rings].map(([number, { domid, granter, ref }]) => ({
      domid,
      kind: 'ring',
      number,
      label: this.names.labelOfRef(domid, granter, ref) ?? `grant ${ref} of domain ${granter}`,
    }))
  }
}
