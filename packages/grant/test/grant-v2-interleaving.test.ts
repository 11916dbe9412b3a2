import type { Domid, FrameNumber, GrantRef, SharedMemory } from '@split-driver/abi'
import {
  fetchEntryV2,
  GrantEntryV2,
  GrantFlag,
  GrantStatus,
  GrantTableV2,
  pinEntryV2,
  unpinEntryV2,
} from '@split-driver/grant'
import { describe, expect, it } from 'vitest'
import { type Actor, exploreInterleavings } from '../../../test/support/explore-interleavings.js'

const ref = 8 as GrantRef
const peer = 1 as Domid
const IN_USE = GrantFlag.reading | GrantFlag.writing

/** Notes of the guest's: from ENDED on the page is its own again. */
const ENDED = 1
const STILL_HELD = 2

/** Notes of the hypervisor's: a frame that it mapped is 1000 and its number. */
const UNMAPPED = 3
const REFUSED = 4

/** One page is both: entries from its start, statuses in its second half, where entries 128 and above would be. */
const STATUS_OFFSET = 512
const statusIndex = STATUS_OFFSET * 2 + ref

/** The page's second half as a page of its own. */
class StatusPage {
  readonly byteLength = 4096
  readonly #memory: SharedMemory
  constructor(memory: SharedMemory) {
    this.#memory = memory
  }
  loadOrdered = (word: number) => this.#memory.loadOrdered(STATUS_OFFSET + word)
}

const grantTable = (memory: SharedMemory): GrantTableV2 =>
  new GrantTableV2([memory], [new StatusPage(memory) as unknown as SharedMemory])

const pin = (memory: SharedMemory, access: 'read-only' | 'writable'): GrantStatus =>
  pinEntryV2(memory, ref, memory, statusIndex, { domid: peer, access, purpose: 'map', alreadyPinned: false })

const pinnedFrame = (memory: SharedMemory): number => {
  const words = new Int32Array(GrantEntryV2.words)
  fetchEntryV2(memory, ref, words)
  return GrantEntryV2.at.frame.getNumber(words, 0)
}

const mapper =
  (access: 'read-only' | 'writable'): Actor =>
  (memory, context) => {
    if (pin(memory, access) !== GrantStatus.GNTST_okay) return context.note(REFUSED)
    context.note(1000 + pinnedFrame(memory))
    unpinEntryV2(memory, statusIndex, IN_USE)
    context.note(UNMAPPED)
  }

const grantSeven = (memory: SharedMemory): void =>
  grantTable(memory).grantAccess(ref, peer, 7 as FrameNumber, 'writable')

/** In order of the program, and as x86 delays stores. */
describe.each([false, true])(
  'rules 68 and 69, version 2, in any order of memory accesses (store buffers: %s)',
  (storeBuffers) => {
    it.each(['read-only', 'writable'] as const)('rule 68: a %s mapper sees a whole entry or none', (access) => {
      let mapped = 0
      exploreInterleavings({
        bytes: 4096,
        storeBuffers,
        actors: [grantSeven, mapper(access)],
        check: (memory, [, notes]) => {
          if (notes![0] !== REFUSED) expect(notes).toEqual([1007, UNMAPPED])
          if (notes![0] !== REFUSED) mapped++
          expect(grantTable(memory).query(ref)).toMatchObject({ flags: GrantFlag.permitAccess, inUse: false })
        },
      })
      expect(mapped).toBeGreaterThan(0)
    })

    it('rule 69: an access that ended is not mapped, and a mapped one did not end', () => {
      const outcomes = new Set<string>()
      exploreInterleavings({
        bytes: 4096,
        storeBuffers,
        prepare: grantSeven,
        actors: [
          (memory, context) => context.note(grantTable(memory).endAccess(ref) ? ENDED : STILL_HELD),
          (memory, context) => context.note(pin(memory, 'writable') === GrantStatus.GNTST_okay ? 1000 : REFUSED),
        ],
        check: (memory, [guest, hypervisor]) => {
          const { inUse, flags } = grantTable(memory).query(ref)
          expect(inUse).toBe(hypervisor![0] === 1000)
          expect(flags).toBe(inUse ? IN_USE : GrantFlag.invalid)
          outcomes.add(`${guest} ${hypervisor}`)
        },
      })
      // The guest may meet a mark that the hypervisor is about to take off again: then it looks once more later.
      expect(outcomes).toEqual(new Set([`${ENDED} ${REFUSED}`, `${STILL_HELD} ${REFUSED}`, `${STILL_HELD} 1000`]))
    })

    it('rule 69: ended and granted anew, the second frame is never reached through the first grant’s mapping', () => {
      const regrant: Actor = (memory) => {
        const grants = grantTable(memory)
        if (grants.endAccess(ref)) grants.grantAccess(ref, peer, 8 as FrameNumber, 'read-only')
      }
      exploreInterleavings({
        bytes: 4096,
        storeBuffers,
        prepare: grantSeven,
        actors: [regrant, mapper('writable')],
        check: (memory, [, notes]) => {
          expect([[REFUSED], [1007, UNMAPPED]]).toContainEqual(notes)
          expect(grantTable(memory).query(ref).inUse).toBe(false)
        },
      })
    })

    it('rule 69: from the end of access on the page is the guest’s own, however often it is mapped before', () => {
      /** Set by the guest once access has ended. */
      const OWN = 4
      const mapAndLook: Actor = (memory, context) => {
        for (const access of ['read-only', 'writable'] as const) {
          if (pin(memory, access) !== GrantStatus.GNTST_okay) return
          context.note(memory.loadOrdered(OWN))
          unpinEntryV2(memory, statusIndex, IN_USE)
        }
      }
      let ended = 0
      exploreInterleavings({
        bytes: 4096,
        storeBuffers,
        prepare: grantSeven,
        actors: [
          (memory) => {
            if (grantTable(memory).endAccess(ref)) memory.storeOrdered(OWN, 1)
          },
          mapAndLook,
        ],
        check: (memory, [, looks]) => {
          expect(looks).not.toContain(1)
          ended += memory.load(OWN)
        },
      })
      expect(ended).toBeGreaterThan(0)
    })
  },
)
