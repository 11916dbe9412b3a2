import type { Domid } from '@split-driver/abi'
import { nextTurn } from '../host-clock.js'
import type { DomainTable } from '../hypervisor/domain-table.js'
import type { Upcall, Wakeups } from './wakeups.js'

/** Wake-ups in a row, without sleeping, before the host's own events (files, timers, messages) get a turn. */
const TURNS_IN_A_ROW = 64

/** Each domain in a thread of its own: a vcpu sleeps on a futex word of its own in the domain table. */
export class FutexWakeups implements Wakeups {
  readonly parallel = true
  readonly #words: Int32Array

  constructor(words: Int32Array) {
    this.#words = words
  }

  attach(domid: Domid, vcpu: number, domains: DomainTable, upcall: Upcall): () => void {
    const words = this.#words
    const word = domains.wakeWord(domid, vcpu)
    let stopped = false
    const sleepAndServe = async (): Promise<void> => {
      let turns = 0
      while (!stopped) {
        const seen = Atomics.load(words, word)
        if (upcall()) {
          await new Promise<void>(nextTurn)
          continue
        }
        const sleep = Atomics.waitAsync(words, word, seen)
        if (sleep.async) {
          turns = 0
          await sleep.value
        } else if (++turns >= TURNS_IN_A_ROW) {
          turns = 0
          await new Promise<void>(nextTurn)
        }
      }
    }
    void sleepAndServe()
    return () => {
      stopped = true
      this.signal(domid, vcpu, domains)
    }
  }

  signal(domid: Domid, vcpu: number, domains: DomainTable): void {
    const word = domains.wakeWord(domid, vcpu)
    Atomics.add(this.#words, word, 1)
    Atomics.notify(this.#words, word)
  }
}
