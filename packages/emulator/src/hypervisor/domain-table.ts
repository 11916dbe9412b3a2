import { DOMID_FIRST_RESERVED, type Domid, PAGE_WORDS, XenError } from '@split-driver/abi'
import { TWO_LEVEL_32, TWO_LEVEL_64, type TwoLevelWords } from '@split-driver/evtchn'
import type { MachineMemory } from '../memory/machine-memory.js'
import { DomainFlag, DomainState, domainRecord, header, type WordBits } from './machine-layout.js'

/** The domains of the machine: a record each, found by domid modulo the table's size. Callers hold the machine's lock. */
export class DomainTable {
  readonly #words: Int32Array
  readonly #base: number
  readonly #slots: number

  constructor(memory: MachineMemory) {
    this.#words = memory.words
    this.#base = memory.words[header.domainTable]! * PAGE_WORDS
    this.#slots = memory.words[header.domainSlots]!
  }

  /** Takes the next free domid; domids are not used again until all have been. @throws XenError ENOSPC */
  claim(): Domid {
    const words = this.#words
    let domid = words[header.nextDomid]!
    for (let tries = 0; tries < DOMID_FIRST_RESERVED; tries++) {
      const record = this.#recordOf(domid)
      const next = (domid + 1) % DOMID_FIRST_RESERVED
      if (words[record + domainRecord.state] === DomainState.Free) {
        words.fill(0, record, record + domainRecord.wake)
        words[record + domainRecord.domid] = domid
        words[record + domainRecord.state] = DomainState.Building
        words[header.nextDomid] = next
        return domid as Domid
      }
      domid = next
    }
    throw new XenError('ENOSPC', `the machine holds ${this.#slots} domains already`)
  }

  /** Word index of the record of a domain that exists. @throws XenError ESRCH */
  record(domid: Domid): number {
    const record = this.find(domid)
    if (record < 0) throw new XenError('ESRCH', `there is no domain ${domid}`, { detail: { domid } })
    return record
  }

  /** As `record`, but −1 where there is no such domain. */
  find(domid: Domid): number {
    const record = this.#recordOf(domid)
    const exists =
      this.#words[record + domainRecord.state] !== DomainState.Free &&
      this.#words[record + domainRecord.domid] === domid
    return exists ? record : -1
  }

  get(record: number, field: number): number {
    return this.#words[record + field]!
  }

  set(record: number, field: number, value: number): void {
    this.#words[record + field] = value
  }

  isPrivileged(domid: Domid): boolean {
    const record = this.find(domid)
    return record >= 0 && (this.#words[record + domainRecord.flags]! & DomainFlag.Privileged) !== 0
  }

  /** Width of the guest's longs. */
  wordBits(record: number): WordBits {
    return (this.#words[record + domainRecord.flags]! & DomainFlag.Width32) === 0 ? 64 : 32
  }

  /** Where events lie in its shared-info page. */
  twoLevelWords(record: number): TwoLevelWords {
    return this.wordBits(record) === 64 ? TWO_LEVEL_64 : TWO_LEVEL_32
  }

  /** Domids of all domains, dying ones too. */
  list(): Domid[] {
    const domids: Domid[] = []
    for (let slot = 0; slot < this.#slots; slot++) {
      const record = this.#base + slot * domainRecord.words
      if (this.#words[record + domainRecord.state] !== DomainState.Free)
        domids.push(this.#words[record + domainRecord.domid] as Domid)
    }
    return domids.sort((a, b) => a - b)
  }

  /**
   * Where a vcpu of this domain sleeps; index into the machine's words. The words outlive the domain: whoever wakes a vcpu
   * too late wakes its successor for nothing, and does no other harm.
   */
  wakeWord(domid: Domid, vcpu: number): number {
    return this.#recordOf(domid) + domainRecord.wake + vcpu
  }

  #recordOf(domid: number): number {
    return this.#base + (domid % this.#slots) * domainRecord.words
  }
}
