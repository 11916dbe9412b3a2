import type { Domid, FrameNumber, GrantRef } from '@split-driver/abi'
import { GrantFlag, GrantStatus, GrantTableV1, pinEntry, pinnedFrame, unpinEntry } from '@split-driver/grant'
import { describe, expect, it } from 'vitest'
import { type Actor, exploreInterleavings } from '../../../test/support/explore-interleavings.js'

const ref = 8 as GrantRef
const peer = 1 as Domid
const IN_USE = GrantFlag.reading | GrantFlag.writing

/** What a guest notes when access has ended: from here on the page is its own again. */
const ENDED = 1
const STILL_HELD = 2

/** What the hypervisor notes: which frame it mapped, and when it let go. */
const UNMAPPED = 3
const REFUSED = 4

const grantTable = (memory: Parameters<Actor>[0]): GrantTableV1 => new GrantTableV1([memory])

const mapper =
  (access: 'read-only' | 'writable'): Actor =>
  (memory, context) => {
    const status = pinEntry(memory, ref, { domid: peer, access, purpose: 'map', alreadyPinned: false })
    if (status !== GrantStatus.GNTST_okay) return context.note(REFUSED)
    context.note(1000 + pinnedFrame(memory, ref))
    unpinEntry(memory, ref, IN_USE)
    context.note(UNMAPPED)
  }

describe('rules 68 and 69: guest and hypervisor in any order of memory accesses', () => {
  it.each(['read-only', 'writable'] as const)('rule 68: a %s mapper sees a whole entry or none', (access) => {
    let mapped = 0
    exploreInterleavings({
      bytes: 4096,
      actors: [(memory) => grantTable(memory).grantAccess(ref, peer, 7 as FrameNumber, 'writable'), mapper(access)],
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
      prepare: (memory) => grantTable(memory).grantAccess(ref, peer, 7 as FrameNumber, 'writable'),
      actors: [
        (memory, context) => context.note(grantTable(memory).endAccess(ref) ? ENDED : STILL_HELD),
        (memory, context) => {
          const status = pinEntry(memory, ref, {
            domid: peer,
            access: 'writable',
            purpose: 'map',
            alreadyPinned: false,
          })
          context.note(status === GrantStatus.GNTST_okay ? 1000 : REFUSED)
        },
      ],
      check: (memory, [guest, hypervisor]) => {
        const { inUse, flags } = grantTable(memory).query(ref)
        expect(inUse).toBe(hypervisor![0] === 1000)
        expect(guest).toEqual([inUse ? STILL_HELD : ENDED])
        expect(flags).toBe(inUse ? GrantFlag.permitAccess | IN_USE : GrantFlag.invalid)
        outcomes.add(`${guest} ${hypervisor}`)
      },
    })
    expect(outcomes).toEqual(new Set([`${ENDED} ${REFUSED}`, `${STILL_HELD} 1000`]))
  })

  it('rule 69: ended and granted anew, the second frame is never reached through the first grant’s mapping', () => {
    const regrant: Actor = (memory) => {
      const grants = grantTable(memory)
      if (grants.endAccess(ref)) grants.grantAccess(ref, peer, 8 as FrameNumber, 'read-only')
    }
    exploreInterleavings({
      bytes: 4096,
      prepare: (memory) => grantTable(memory).grantAccess(ref, peer, 7 as FrameNumber, 'writable'),
      actors: [regrant, mapper('writable')],
      check: (memory, [, notes]) => {
        expect([[REFUSED], [1007, UNMAPPED]]).toContainEqual(notes)
        expect(grantTable(memory).query(ref).inUse).toBe(false)
      },
    })
  })
})
