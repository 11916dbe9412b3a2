import { DOMID_SELF, type Domid, type FrameNumber, type GrantRef, PAGE_BYTES } from '@split-driver/abi'
import {
  type CacheFlush,
  type GrantCopy,
  type GrantCopyPointer,
  GrantFlag,
  GrantMapFlag,
  type MapGrantRef,
  type UnmapGrantRef,
} from '@split-driver/grant'
import type { SeededRandom } from '../seeded-random.js'
import type { GrantModel } from './grant-model.js'
import type { ModelTable } from './model-table.js'

/** References that schedules use: one of the toolstack's that no toolstack uses, and a few others. */
export const SCHEDULE_REFS = [5, 8, 9, 10, 255, 256, 300, 512].map((ref) => ref as GrantRef)

const NOBODY = 0x7fee as Domid
const ADDRESSES = [0x1000_0000, 0x2000_0000]
const { hostMap, deviceMap, readonly, applicationMap, containsPte } = GrantMapFlag

/** Mostly what makes sense, now and then what does not. */
const MAP_FLAGS = [
  hostMap,
  hostMap,
  hostMap | readonly,
  hostMap | readonly,
  deviceMap,
  deviceMap | readonly,
  hostMap | deviceMap,
  hostMap | deviceMap | readonly,
  hostMap | applicationMap,
  hostMap | containsPte,
  readonly,
  0,
]

/** Picks calls, by a seed, that often meet each other. */
export class GrantChoices {
  readonly #random: SeededRandom
  readonly #model: GrantModel

  constructor(random: SeededRandom, model: GrantModel) {
    this.#random = random
    this.#model = model
  }

  below(limit: number): number {
    return this.#random.below(limit)
  }

  chance(oneIn: number): boolean {
    return this.#random.below(oneIn) === 0
  }

  table(): ModelTable {
    return this.#random.pick(this.#model.tables)
  }

  /** One that the caller may name: any domain, itself, or nobody. */
  domid(self: Domid = DOMID_SELF): Domid {
    return this.chance(12) ? this.#random.pick([NOBODY, self]) : this.table().domid
  }

  ref(): GrantRef {
    if (this.chance(15)) return this.#random.pick([1536, 2 ** 31, 2 ** 32 - 1]) as GrantRef
    return this.chance(3) ? this.#random.pick(SCHEDULE_REFS) : (8 as GrantRef)
  }

  frame(of: ModelTable): FrameNumber {
    if (this.chance(12)) return this.#random.pick([0, 2 ** 31]) as FrameNumber
    return this.#random.pick(this.chance(10) ? this.table().ownFrames : of.ownFrames)
  }

  /** Words of an entry: a grant as guests make them, or in its place something that none would. */
  entry(of: ModelTable): number[] {
    const domid = this.table().domid
    const frame = this.frame(of)
    const flags = this.chance(3) ? GrantFlag.readonly : 0
    if (of.version === 1) {
      const kind = this.#random.pick([0, 1, 1, 1, 1, 1, 1, 2, 3, 1 | GrantFlag.subPage])
      return [(domid << 16) | kind | flags, frame]
    }
    const kind = this.#random.pick(['page', 'page', 'page', 'bytes', 'bytes', 'through', 'through', 'none', 'transfer'])
    const start = this.below(4096)
    const extent = (start & 0xff0) | (this.below(4096 - (start & 0xff0)) << 16)
    if (kind === 'bytes') return [(domid << 16) | flags | 1 | GrantFlag.subPage, extent, frame, 0]
    if (kind === 'through') {
      const source = this.#grantTo(of)
      return [(domid << 16) | flags | 3, source.domid, source.ref, this.chance(9) ? 1 : 0]
    }
    const type = kind === 'page' ? 1 : kind === 'transfer' ? 2 : 0
    return [(domid << 16) | flags | type, 0, frame, this.chance(20) ? 1 : 0]
  }

  map(caller: ModelTable): MapGrantRef {
    const { domid: dom, ref } = this.#grantTo(caller)
    return { dom, ref, flags: this.#random.pick(MAP_FLAGS), hostAddr: this.#random.pick(ADDRESSES) }
  }

  /** Often a mapping of the caller's in the right words, or a part of one; else anything. */
  unmap(caller: ModelTable): UnmapGrantRef {
    const own = this.#model.mappings.filter(({ holder }) => holder === caller.domid)
    if (own.length === 0 || this.chance(8)) {
      return { handle: this.#random.pick([0, 1, 2, 3, 255, 256, 2 ** 32 - 1]), hostAddr: 0x1000_0000, devBusAddr: 0 }
    }
    const { handle, hostAddr, frame } = this.#random.pick(own)
    const wrong = this.chance(8) ? PAGE_BYTES : 0
    const parts = this.below(4)
    return {
      handle,
      hostAddr: parts === 1 ? 0 : hostAddr + wrong,
      devBusAddr: parts === 2 ? 0 : frame * PAGE_BYTES + (this.chance(8) ? PAGE_BYTES : 0),
    }
  }

  copy(caller: ModelTable): GrantCopy {
    const flags = this.#random.pick([0, 1, 1, 2, 2, 3, 3, 3])
    const len = this.chance(4) ? this.below(4098) : this.below(64)
    const source = this.#copyEnd(caller, (flags & 1) !== 0)
    const dest = this.chance(8) ? { ...source, offset: this.below(4097) } : this.#copyEnd(caller, (flags & 2) !== 0)
    return { source, dest, len, flags }
  }

  cacheFlush(): CacheFlush {
    return {
      devBusAddr: (this.chance(6) ? 0 : this.#random.pick(this.table().ownFrames)) * PAGE_BYTES,
      offset: this.#random.pick([0, 64, 4095, 4096]),
      length: this.#random.pick([0, 1, 64, 4096]),
      op: this.below(5),
    }
  }

  /** Mostly something that an entry grants to the caller, whether it can be had or not. */
  #grantTo({ domid }: ModelTable): { domid: Domid; ref: GrantRef } {
    if (this.chance(6)) return { domid: this.domid(), ref: this.ref() }
    const { tables } = this.#model
    const places = tables.length * SCHEDULE_REFS.length
    const first = this.below(places)
    for (let i = 0; i < places; i++) {
      const table = tables[(first + i) % tables.length]!
      const ref = SCHEDULE_REFS[Math.floor((first + i) / tables.length) % SCHEDULE_REFS.length]!
      if (!table.has(ref)) continue
      const meaning = table.meaning(ref)
      if (meaning.domid === domid && (meaning.flags & GrantFlag.typeMask) !== 0) return { domid: table.domid, ref }
    }
    return { domid: this.domid(), ref: 8 as GrantRef }
  }

  #copyEnd(caller: ModelTable, isRef: boolean): GrantCopyPointer {
    const offset = this.chance(10) ? this.below(4200) : this.below(256)
    if (isRef) {
      const { domid, ref } = this.#grantTo(caller)
      return { at: ref, domid, offset }
    }
    return { at: this.frame(caller), domid: this.chance(12) ? caller.domid : DOMID_SELF, offset }
  }
}
