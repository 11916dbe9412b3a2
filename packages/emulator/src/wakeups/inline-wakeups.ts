import type { Domid } from '@split-driver/abi'
import { nextTurn } from '../host-clock.js'
import type { DomainTable } from '../hypervisor/domain-table.js'
import { AttachedVcpus } from './attached-vcpus.js'
import type { Upcall, Wakeups } from './wakeups.js'

/** Upcalls in a row before the host's own events (files, timers) get a turn: two chatting domains must not starve them. */
const MICROTASKS_IN_A_ROW = 64

/** All domains in one thread: an event is delivered in a microtask of its own, never inside the sender's call. */
export class InlineWakeups implements Wakeups {
  readonly parallel = false
  readonly #vcpus = new AttachedVcpus<InlineVcpu>()
  readonly #pace = { inARow: 0, turnAsked: false }

  attach(domid: Domid, vcpu: number, _domains: DomainTable, upcall: Upcall): () => void {
    const attached = new InlineVcpu(upcall, this.#pace)
    const detach = this.#vcpus.add(domid, vcpu, attached)
    attached.schedule()
    return detach
  }

  signal(domid: Domid, vcpu: number): void {
    this.#vcpus.get(domid, vcpu)?.schedule()
  }
}

class InlineVcpu {
  readonly #upcall: Upcall
  readonly #pace: { inARow: number; turnAsked: boolean }
  readonly #run = () => this.#deliver()
  #scheduled = false
  #stopped = false

  constructor(upcall: Upcall, pace: { inARow: number; turnAsked: boolean }) {
    this.#upcall = upcall
    this.#pace = pace
  }

  stop(): void {
    this.#stopped = true
  }

  schedule(): void {
    if (this.#scheduled || this.#stopped) return
    this.#scheduled = true
    if (this.#pace.inARow++ < MICROTASKS_IN_A_ROW) queueMicrotask(this.#run)
    else nextTurn(this.#run)
    this.#resetPaceNextTurn()
  }

  #resetPaceNextTurn(): void {
    const pace = this.#pace
    if (pace.turnAsked) return
    pace.turnAsked = true
    nextTurn(() => {
      pace.turnAsked = false
      pace.inARow = 0
    })
  }

  #deliver(): void {
    this.#scheduled = false
    if (!this.#stopped && this.#upcall()) this.schedule()
  }
}
