import { DOMID_SELF, type GrantRef, type SharedMemory } from '@split-driver/abi'
import type { GrantFramesAnswer } from '@split-driver/grant'
import { assertEqual } from '../assert.js'
import { SCHEDULE_REFS } from './grant-choices.js'
import type { GrantModel } from './grant-model.js'
import type { GrantParty, GrantsUnderTest } from './grants-under-test.js'
import type { ModelTable } from './model-table.js'

/** The pages of a table, in their order. */
interface TablePages {
  readonly grants: readonly SharedMemory[]
  readonly statuses: readonly SharedMemory[]
}

const USE_KINDS = [
  ['hostWriters', 'host', false],
  ['hostReaders', 'host', true],
  ['deviceWriters', 'device', false],
  ['deviceReaders', 'device', true],
] as const

const wordsOf = (bytes: Uint8Array): Int32Array => new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2)

const hex = (word: number): string => (word >>> 0).toString(16)

/** Holds what can be seen of the hypervisor's tables against the model's. */
export class GrantComparison {
  readonly #machine: GrantsUnderTest
  readonly #model: GrantModel
  readonly #pages = new Map<GrantParty, TablePages>()

  constructor(machine: GrantsUnderTest, model: GrantModel) {
    this.#machine = machine
    this.#model = model
  }

  /** Entries, statuses, uses and mappings of all domains. */
  compareTables(): void {
    this.#model.tables.forEach((table, at) => {
      const party = this.#machine.parties[at]!
      let held = 0
      for (const { holder } of this.#model.mappings) if (holder === table.domid) held++
      assertEqual(this.#machine.mappingCount(table.domid), held, 'mappings that a domain holds')
      for (const ref of SCHEDULE_REFS) if (table.has(ref)) this.#compareEntry(party, table, ref)
    })
  }

  #compareEntry(party: GrantParty, table: ModelTable, ref: GrantRef): void {
    const what = () => `entry ${ref} of domain ${table.domid}`
    const { words, status } = table.entry(ref)
    const page = this.entryPage(party, table, ref)
    const first = (ref % (1024 / words.length)) * words.length
    for (let i = 0; i < words.length; i++) {
      const seen = page.load(first + i)
      if (seen !== words[i]) assertEqual(hex(seen), hex(words[i]!), `word ${i} of ${what()}`)
    }
    const seen = table.version === 2 ? this.statusPage(party, ref).load16(ref % 2048) : status
    if (seen !== status) assertEqual(hex(seen), hex(status), `status of ${what()}`)
    const counts = this.#machine.useCounts(table.domid, ref)
    for (const [name, by, readonly] of USE_KINDS) {
      const expected = this.#model.uses.count(table, ref, by, readonly)
      if (counts[name] !== expected) assertEqual(counts[name], expected, `${name} of ${what()}`)
    }
  }

  /** The bytes of all pages that schedules use. */
  comparePages(): void {
    for (const { frames, bytes } of this.#machine.parties)
      for (const frame of frames) {
        const [seen, expected] = [wordsOf(bytes(frame)), wordsOf(this.#model.page(frame))]
        for (let i = 0; i < expected.length; i++)
          if (seen[i] !== expected[i]) assertEqual(seen[i], expected[i], `word ${i} of frame ${frame}`)
      }
  }

  entryPage(party: GrantParty, table: ModelTable, ref: GrantRef): SharedMemory {
    return this.pagesOf(party, table).grants[Math.floor(ref / (table.version === 1 ? 512 : 256))]!
  }

  statusPage(party: GrantParty, ref: GrantRef): SharedMemory {
    return this.pagesOf(party, this.#model.table(party.domid)!).statuses[Math.floor(ref / 2048)]!
  }

  /** Asked for anew when their number has changed. */
  pagesOf(party: GrantParty, table: ModelTable): TablePages {
    const known = this.#pages.get(party)
    if (known && known.grants.length === table.frames && known.statuses.length === table.statusFrames) return known
    const pages = ({ frameList }: GrantFramesAnswer) => frameList.map((frame) => party.op.page(frame))
    const fresh = {
      grants: pages(party.op.setupTable({ dom: DOMID_SELF, nrFrames: table.frames })),
      statuses: pages(party.op.getStatusFrames({ dom: DOMID_SELF, nrFrames: table.statusFrames })),
    }
    this.#pages.set(party, fresh)
    return fresh
  }
}
