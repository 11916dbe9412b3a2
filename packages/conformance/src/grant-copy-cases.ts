import { type GrantRef, PAGE_BYTES } from '@split-driver/abi'
import { assert, assertEqual, assertList, assertThrows } from './assert.js'
import type { SuiteCase } from './suite.js'

/** A copy that would cross the page's end (rule 71). */
const assertLeavesPage = (action: () => void, what: string): void => {
  assertThrows(action, ['GNTST_bad_copy_arg'], what)
}

/** `GrantMapper.copyFrom` and `copyTo`. */
export const copyCases: SuiteCase[] = [
  {
    name: 'copy: only the named bytes move, either way, without a mapping',
    needs: ['grantCopy'],
    run: async (world) => {
      const { dom0 } = world
      const guest = (await world.createGuest()).platform
      const pages = guest.sharer.share(dom0.domid, 2, 'writable')
      const ref = pages.refs[1]!
      pages.memory.mutableBytes(0, 2 * PAGE_BYTES).fill(7)
      dom0.mapper.copyTo(guest.domid, Uint8Array.of(1, 2, 3), { ref, offset: 4093 })
      assertList(pages.memory.bytes(PAGE_BYTES + 4092, 4), [7, 1, 2, 3], 'the page’s last bytes')
      assert(
        pages.memory.bytes(0, PAGE_BYTES).every((byte) => byte === 7),
        'B7: a neighbour was touched',
      )
      const target = new Uint8Array(5).fill(9)
      dom0.mapper.copyFrom(guest.domid, { ref, offset: 4091 }, target.subarray(0, 4))
      assertList(target, [7, 7, 1, 2, 9], 'what was copied')
      dom0.mapper.copyFrom(guest.domid, { ref, offset: PAGE_BYTES }, new Uint8Array(0))
      assertEqual(guest.sharer.unshare(pages), 0, 'pages set aside')
    },
  },
  {
    name: 'rule 71: a copy that would leave the page is refused, and moves nothing',
    needs: ['grantCopy'],
    run: async (world) => {
      const { dom0 } = world
      const guest = (await world.createGuest()).platform
      const pages = guest.sharer.share(dom0.domid, 2, 'writable')
      const ref = pages.refs[0]!
      for (const [offset, length] of [
        [4095, 2],
        [4096, 1],
        [0, 4097],
        [-1, 1],
        [2 ** 32, 1],
      ] as const) {
        const own = new Uint8Array(length).fill(5)
        assertLeavesPage(() => dom0.mapper.copyTo(guest.domid, own, { ref, offset }), `to ${offset}, ${length} bytes`)
        assertLeavesPage(() => dom0.mapper.copyFrom(guest.domid, { ref, offset }, own), `from ${offset}, ${length}`)
        assert(
          own.every((byte) => byte === 5),
          'the caller’s bytes were changed',
        )
      }
      assert(
        pages.memory.bytes(0, 2 * PAGE_BYTES).every((byte) => byte === 0),
        'the page was changed',
      )
      guest.sharer.unshare(pages)
    },
  },
  {
    name: 'copy: a read-only grant can be copied from and not to; an ended one not at all',
    needs: ['grantCopy'],
    run: async (world) => {
      const { dom0 } = world
      const guest = (await world.createGuest()).platform
      const pages = guest.sharer.share(dom0.domid, 1, 'read-only')
      const end = { ref: pages.refs[0]!, offset: 0 }
      const byte = new Uint8Array(1)
      pages.memory.store8(0, 33)
      dom0.mapper.copyFrom(guest.domid, end, byte)
      assertEqual(byte[0], 33, 'the byte that was copied')
      assertThrows(() => dom0.mapper.copyTo(guest.domid, byte, end), ['GNTST_general_error'], 'a copy to read-only')
      guest.sharer.unshare(pages)
      for (const ref of [end.ref, 0xffff_ffff as GrantRef])
        assertThrows(
          () => dom0.mapper.copyFrom(guest.domid, { ref, offset: 0 }, byte),
          ['GNTST_bad_gntref', 'GNTST_general_error'],
          `copy from reference ${ref}`,
        )
    },
  },
  {
    name: 'rule 68: what is granted to another domain cannot be copied from, nor to',
    needs: ['grantCopy'],
    run: async (world) => {
      const { dom0 } = world
      const guest = (await world.createGuest()).platform
      const pages = guest.sharer.share(await world.stranger(), 1, 'writable')
      const end = { ref: pages.refs[0]!, offset: 0 }
      const byte = new Uint8Array(1)
      assertThrows(() => dom0.mapper.copyFrom(guest.domid, end, byte), ['GNTST_general_error'], 'a copy from it')
      assertThrows(() => dom0.mapper.copyTo(guest.domid, byte, end), ['GNTST_general_error'], 'a copy to it')
      guest.sharer.unshare(pages)
    },
  },
]
