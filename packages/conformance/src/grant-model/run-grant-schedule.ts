import { DOMID_SELF, type Domid, type GrantRef, XenError } from '@split-driver/abi'
import {
  type GrantFramesAnswer,
  GrantStatus,
  type GrantTable,
  GrantTableV1,
  GrantTableV2,
  grantStatusCode,
} from '@split-driver/grant'
import { assertEqual, assertList, ConformanceFailure } from '../assert.js'
import { SeededRandom } from '../seeded-random.js'
import { GrantChoices, SCHEDULE_REFS } from './grant-choices.js'
import { GrantComparison } from './grant-comparison.js'
import { GrantModel } from './grant-model.js'
import type { GrantParty, GrantsUnderTest } from './grants-under-test.js'
import { ModelTable } from './model-table.js'

const nameOf = (status: number): string => grantStatusCode(status) ?? 'GNTST_okay'

const codeOf = (action: () => unknown): string | undefined => {
  try {
    action()
    return undefined
  } catch (error) {
    if (error instanceof XenError) return error.code
    throw error
  }
}

/** One schedule: calls of several domains, each made of the hypervisor and of the model, which must agree after each. */
class Schedule {
  readonly #machine: GrantsUnderTest
  readonly #model: GrantModel
  readonly #choices: GrantChoices
  readonly #history: { readonly domid: Domid; readonly call: string; readonly what: readonly unknown[] }[] = []
  readonly #comparison: GrantComparison

  constructor(machine: GrantsUnderTest, random: SeededRandom) {
    this.#machine = machine
    const tables = machine.parties.map(({ domid, isPrivileged, frames, op }) => {
      const table = new ModelTable(domid, isPrivileged, op.querySize(DOMID_SELF).maxNrFrames, frames)
      table.frames = op.querySize(DOMID_SELF).nrFrames
      return table
    })
    this.#model = new GrantModel(tables)
    this.#comparison = new GrantComparison(machine, this.#model)
    for (const { frames, bytes } of machine.parties)
      for (const frame of frames) this.#model.page(frame).set(bytes(frame))
    this.#choices = new GrantChoices(random, this.#model)
  }

  run(steps: number): void {
    try {
      this.#begin()
      for (let i = 0; i < steps; i++) this.#step()
      this.#finish()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new ConformanceFailure(`${reason}\nafter:\n${this.#told()}`, { cause: error })
    }
  }

  /** Tables of either version, with a few grants. */
  #begin(): void {
    this.#machine.parties.forEach((party, at) => {
      const table = this.#model.tables[at]!
      this.#setVersion(party, table)
      for (let i = 0; i < 3; i++) this.#write(party, table)
    })
  }

  #step(): void {
    const at = this.#choices.below(this.#machine.parties.length)
    const party = this.#machine.parties[at]!
    const table = this.#model.tables[at]!
    const what = this.#choices.below(26)
    if (what < 5) this.#write(party, table)
    else if (what < 11) this.#map(party, table)
    else if (what < 16) this.#unmap(party, table)
    else if (what < 21) this.#copy(party, table)
    else this.#rarely(what - 21, party, table)
    this.#comparison.compareTables()
  }

  #rarely(what: number, party: GrantParty, table: ModelTable): void {
    if (what === 0) this.#endAccess(party, table)
    else if (what === 1) this.#swap(party, table)
    else if (what === 2) this.#setVersion(party, table)
    else if (what === 3) this.#tableCalls(party, table)
    else this.#otherCalls(party, table)
  }

  /** Everything is let go and cleared; nothing may be left in use. */
  #finish(): void {
    for (const party of this.#machine.parties) {
      const table = this.#model.table(party.domid)!
      for (const { handle, hostAddr, frame } of this.#model.mappings.filter((one) => one.holder === party.domid)) {
        const op = { handle, hostAddr, devBusAddr: frame * 4096 }
        assertEqual(nameOf(party.op.unmapGrantRef([op])[0]!), 'GNTST_okay', 'the last unmap')
        this.#model.unmap(table, op)
      }
    }
    for (const party of this.#machine.parties) {
      const table = this.#model.table(party.domid)!
      for (const ref of SCHEDULE_REFS.filter((one) => table.has(one))) this.#overwrite(party, table, ref, [])
      this.#note(party, 'setVersion', 1)
      party.op.setVersion(1)
      this.#model.setVersion(table, 1)
    }
    this.#comparison.compareTables()
  }

  #write(party: GrantParty, table: ModelTable): void {
    const ref = this.#choices.ref()
    if (!table.has(ref)) return
    if (table.version === 1 || !this.#choices.chance(12)) {
      this.#overwrite(party, table, ref, this.#choices.entry(table))
      return
    }
    // Statuses are Xen's to write, but a guest that writes them can only hurt itself.
    const status = this.#choices.below(0x1_0000)
    this.#note(party, 'write status', ref, status)
    this.#comparison.statusPage(party, ref).store16(ref % 2048, status)
    table.entry(ref).status = status
  }

  #overwrite(party: GrantParty, table: ModelTable, ref: GrantRef, words: readonly number[]): void {
    const width = table.version === 1 ? 2 : 4
    const full = Array.from({ length: width }, (_, i) => words[i] ?? 0)
    this.#note(party, 'write', ref, full)
    const page = this.#comparison.entryPage(party, table, ref)
    full.forEach((word, i) => {
      page.store((ref % (1024 / width)) * width + i, word)
    })
    table.write(ref, full)
  }

  #map(party: GrantParty, table: ModelTable): void {
    const ops = Array.from({ length: 1 + this.#choices.below(2) }, () => this.#choices.map(table))
    this.#note(party, 'map', ops)
    const answers = party.op.mapGrantRef(ops)
    ops.forEach((op, i) => {
      const { status, handle, devBusAddr } = answers[i]!
      const isTaken = this.#model.mappings.some((one) => one.holder === party.domid && one.handle === handle)
      const [expected, address] = this.#model.map(table, op, handle)
      assertEqual(nameOf(status), nameOf(expected), `mapping ${i}`)
      if (status !== GrantStatus.GNTST_okay) return
      assertEqual(isTaken, false, `handle ${handle} given out twice`)
      assertEqual(devBusAddr, address, `bus address of mapping ${i}`)
    })
  }

  #unmap(party: GrantParty, table: ModelTable): void {
    if (!this.#model.mappings.some(({ holder }) => holder === party.domid) && !this.#choices.chance(8)) {
      this.#map(party, table)
      return
    }
    const ops = Array.from({ length: 1 + this.#choices.below(2) }, () => this.#choices.unmap(table))
    if (this.#choices.chance(6)) {
      const replaced = ops.map((op) => ({ ...op, newAddr: 0x3000_0000, devBusAddr: 0 }))
      this.#note(party, 'unmapAndReplace', replaced)
      const expected = (statuses: number[]) => statuses.map(nameOf)
      const answers = party.op.unmapAndReplace(replaced)
      assertList(expected(answers), expected(replaced.map((op) => this.#model.unmap(table, op))), 'replacing')
      return
    }
    this.#note(party, 'unmap', ops)
    const answers = party.op.unmapGrantRef(ops).map(nameOf)
    assertList(
      answers,
      ops.map((op) => nameOf(this.#model.unmap(table, op))),
      'unmapping',
    )
  }

  #copy(party: GrantParty, table: ModelTable): void {
    const ops = Array.from({ length: 1 + this.#choices.below(3) }, () => this.#choices.copy(table))
    const stamp = this.#choices.below(256)
    for (const { frames, bytes } of this.#machine.parties.slice(0, 1)) {
      bytes(frames[0]!).fill(stamp, 0, 512)
      this.#model.page(frames[0]!).fill(stamp, 0, 512)
    }
    this.#note(party, 'copy', ops)
    const answers = party.op.copy(ops).map(nameOf)
    assertList(
      answers,
      ops.map((op) => nameOf(this.#model.copy(table, op))),
      'copying',
    )
    if (answers.includes('GNTST_okay')) this.#comparison.comparePages()
  }

  #endAccess(party: GrantParty, table: ModelTable): void {
    const ref = this.#choices.ref()
    if (!table.has(ref)) return
    this.#note(party, 'endAccess', ref)
    assertEqual(this.#guestTable(party, table).endAccess(ref), this.#model.endAccess(table, ref), 'access ended')
  }

  #swap(party: GrantParty, table: ModelTable): void {
    const op = { refA: this.#choices.ref(), refB: this.#choices.ref() }
    this.#note(party, 'swap', op)
    assertEqual(nameOf(party.op.swapGrantRef([op])[0]!), nameOf(this.#model.swap(table, op)), 'swapping')
  }

  #setVersion(party: GrantParty, table: ModelTable): void {
    const version = this.#choices.chance(10) ? 3 : 1 + this.#choices.below(2)
    this.#note(party, 'setVersion', version)
    const expected = this.#model.setVersion(table, version)
    assertEqual(
      codeOf(() => party.op.setVersion(version)),
      expected,
      'changing the version',
    )
  }

  #tableCalls(party: GrantParty, table: ModelTable): void {
    const dom = this.#choices.domid(DOMID_SELF)
    const nrFrames = this.#choices.below(table.maxFrames + 2)
    this.#note(party, 'setupTable, getStatusFrames, querySize, getVersion', dom, nrFrames)
    const target = this.#model.tableFor(table, dom)
    const isRefused = typeof target === 'number'
    const setup = isRefused ? target : this.#model.setupTable(target, nrFrames)
    this.#compareFrames(party.op.setupTable({ dom, nrFrames }), setup, nrFrames)
    const beyond = isRefused || nrFrames > target.statusFrames
    const statuses = isRefused ? target : beyond ? GrantStatus.GNTST_general_error : GrantStatus.GNTST_okay
    this.#compareFrames(party.op.getStatusFrames({ dom, nrFrames }), statuses, nrFrames)
    const size = party.op.querySize(dom)
    assertEqual(size.status, isRefused ? target : 0, 'asking for the size')
    if (!isRefused)
      assertList([size.nrFrames, size.maxNrFrames], [target.frames, target.maxFrames], 'size of the table')
    const code = isRefused ? (target === GrantStatus.GNTST_bad_domain ? 'ESRCH' : 'EPERM') : undefined
    let version: number | undefined
    const seen = codeOf(() => {
      version = party.op.getVersion(dom)
    })
    assertList([seen, version], [code, isRefused ? undefined : target.version], 'asking for the version')
  }

  #otherCalls(party: GrantParty, table: ModelTable): void {
    const op = { mfn: this.#choices.frame(table), domid: this.#choices.domid(), ref: this.#choices.ref() }
    const flush = this.#choices.cacheFlush()
    this.#note(party, 'transfer, cacheFlush', op, flush)
    assertEqual(nameOf(party.op.transfer([op])[0]!), nameOf(this.#model.transfer(table, op)), 'transferring')
    assertEqual(
      codeOf(() => party.op.cacheFlush([flush])),
      this.#model.cacheFlush(table, flush),
      'flushing',
    )
  }

  #compareFrames({ status, frameList }: GrantFramesAnswer, expected: number, nrFrames: number): void {
    assertEqual(nameOf(status), nameOf(expected), `the pages of a table, ${nrFrames} of them`)
    assertEqual(frameList.length, expected === 0 ? nrFrames : 0, 'pages')
  }

  #guestTable(party: GrantParty, table: ModelTable): GrantTable {
    const { grants, statuses } = this.#comparison.pagesOf(party, table)
    return table.version === 1 ? new GrantTableV1(grants) : new GrantTableV2(grants, statuses)
  }

  #note(party: GrantParty, call: string, ...what: unknown[]): void {
    this.#history.push({ domid: party.domid, call, what })
  }

  #told(): string {
    const told = this.#history.map(
      ({ domid, call, what }) => `domain ${domid}: ${call} ${what.map((one) => JSON.stringify(one)).join(' ')}`,
    )
    return told.join('\n')
  }
}

/**
 * Runs calls of several domains, chosen by the seed, beside the model; they must agree after each. Ends with nothing in use.
 * @throws ConformanceFailure at the first call after which they differ, with all calls so far
 */
export const runGrantSchedule = (machine: GrantsUnderTest, { seed, steps }: { seed: number; steps: number }): void => {
  new Schedule(machine, new SeededRandom(seed)).run(steps)
}
