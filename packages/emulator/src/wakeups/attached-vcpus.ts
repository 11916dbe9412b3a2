import type { Domid } from '@split-driver/abi'
import { MAX_VCPUS } from '../hypervisor/machine-layout.js'

/** The vcpus that one thread serves, by domain and number. */
export class AttachedVcpus<Served extends { stop(): void }> {
  readonly #served = new Map<number, Served>()

  /** @returns stops it, and forgets it unless another has taken its place */
  add(domid: Domid, vcpu: number, served: Served): () => void {
    const key = keyOf(domid, vcpu)
    this.#served.set(key, served)
    return () => {
      served.stop()
      if (this.#served.get(key) === served) this.#served.delete(key)
    }
  }

  get(domid: Domid, vcpu: number): Served | undefined {
    return this.#served.get(keyOf(domid, vcpu))
  }
}

const keyOf = (domid: Domid, vcpu: number): number => domid * MAX_VCPUS + vcpu
