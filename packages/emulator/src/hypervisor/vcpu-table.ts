import { PAGE_WORDS } from '@split-driver/abi'
import type { MachineMemory } from '../memory/machine-memory.js'
import type { DomainTable } from './domain-table.js'
import { domainRecord, vcpuRecord } from './machine-layout.js'

/** The virtual CPUs of every domain, named by the domain's record and their number. Callers hold the machine's lock. */
export class VcpuTable {
  readonly #words: Int32Array
  readonly #domains: DomainTable

  constructor(memory: MachineMemory, domains: DomainTable) {
    this.#words = memory.words
    this.#domains = domains
  }

  /** Is there such a vcpu? */
  has(record: number, vcpu: number): boolean {
    return vcpu >>> 0 === vcpu && vcpu < this.#domains.get(record, domainRecord.vcpuCount)
  }

  get(record: number, vcpu: number, field: number): number {
    return this.#words[this.#wordOf(record, vcpu) + field]!
  }

  set(record: number, vcpu: number, field: number, value: number): void {
    this.#words[this.#wordOf(record, vcpu) + field] = value
  }

  #wordOf(record: number, vcpu: number): number {
    return this.#domains.get(record, domainRecord.vcpuTable) * PAGE_WORDS + vcpu * vcpuRecord.words
  }
}
