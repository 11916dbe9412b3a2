import type { Domid } from '@split-driver/abi'
import type { Trace, TraceLabel } from '../trace.js'

/** Finds what a domain's port or ring is for. */
export class LabelIndex {
  readonly #labels: ReadonlyMap<string, string>

  constructor({ labels }: Trace) {
    this.#labels = new Map(labels.map(({ domid, kind, number, label }) => [`${domid} ${kind} ${number}`, label]))
  }

  /** @returns undefined where that is not known */
  find(domid: Domid, kind: TraceLabel['kind'], number: number): string | undefined {
    return this.#labels.get(`${domid} ${kind} ${number}`)
  }
}
