import { PAGE_WORDS } from '@split-driver/abi'
import type { Mapping, SharedPages } from '@split-driver/grant'
import type { Platform } from '@split-driver/platform'
import { assertEqual } from './assert.js'
import { assertHeldPages } from './held-pages.js'
import { SeededRandom } from './seeded-random.js'
import { eventually } from './wait.js'

const GROUPS = 6
const MAPPINGS = 12

interface Group {
  readonly pages: SharedPages
  /** The first word of page i holds mark + i. */
  readonly mark: number
}

interface Held {
  readonly mapping: Mapping
  readonly group: Group
  /** Which of the group's pages, in the mapping's order. */
  readonly places: readonly number[]
}

/** The schedule's state: what is shared, and what is mapped of it. */
class Schedule {
  readonly #dom0: Platform
  readonly #guest: Platform
  readonly #random: SeededRandom
  readonly #groups: Group[] = []
  readonly #held: Held[] = []
  #mark = 0

  constructor(dom0: Platform, guest: Platform, random: SeededRandom) {
    this.#dom0 = dom0
    this.#guest = guest
    this.#random = random
  }

  step(): void {
    const act = this.#random.below(4)
    if (act === 0 && this.#groups.length < GROUPS) this.#share()
    else if (act === 1 && this.#groups.length > 0 && this.#held.length < MAPPINGS) this.#map()
    else if (act === 2 && this.#held.length > 0) this.#unmap(this.#random.below(this.#held.length))
    else if (act === 3 && this.#groups.length > 0) this.#unshare(this.#random.below(this.#groups.length))
  }

  finish(): void {
    while (this.#groups.length > 0) this.#unshare(0)
    while (this.#held.length > 0) this.#unmap(0)
  }

  #share(): void {
    const count = 1 + this.#random.below(4)
    this.#mark += 16
    const mark = this.#mark
    const pages = this.#guest.sharer.share(this.#dom0.domid, count, 'writable')
    for (let i = 0; i < count; i++) pages.memory.store(i * PAGE_WORDS, mark + i)
    this.#groups.push({ pages, mark })
  }

  #map(): void {
    const group = this.#random.pick(this.#groups)
    const places = group.pages.refs.map((_, i) => i).filter(() => this.#random.below(2) === 0)
    if (places.length === 0) return
    const refs = places.map((place) => group.pages.refs[place]!)
    const access = this.#random.pick(['read-only', 'writable'] as const)
    this.#held.push({ mapping: this.#dom0.mapper.map(this.#guest.domid, refs, access), group, places })
  }

  /** Whatever has happened since, a mapping still shows the page that was mapped. */
  #unmap(at: number): void {
    const [{ mapping, group, places }] = this.#held.splice(at, 1) as [Held]
    for (const [i, place] of places.entries())
      assertEqual(mapping.memory.load(i * PAGE_WORDS), group.mark + place, `first word of page ${place}`)
    this.#dom0.mapper.unmap(mapping)
  }

  #unshare(at: number): void {
    const [group] = this.#groups.splice(at, 1) as [Group]
    const mapped = new Set(this.#held.filter((held) => held.group === group).flatMap(({ places }) => places))
    assertHeldPages(this.#guest, this.#guest.sharer.unshare(group.pages), mapped.size, 'pages set aside')
  }
}

/** Shares, maps, unmaps and unshares in an order that follows from the seed, beside a model of what is held. */
export const randomMappings = async (
  dom0: Platform,
  guest: Platform,
  { seed, steps }: { seed: number; steps: number },
): Promise<void> => {
  const schedule = new Schedule(dom0, guest, new SeededRandom(seed))
  for (let i = 0; i < steps; i++) schedule.step()
  schedule.finish()
  await eventually(dom0.clock, () => guest.sharer.reclaim() === 0, `all pages to be freed, seed ${seed}`)
}
