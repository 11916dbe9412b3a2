import { type Domid, type GrantRef, PAGE_BYTES, PAGE_WORDS } from '@split-driver/abi'
import type { Mapping, SharedPages } from '@split-driver/grant'
import type { Platform } from '@split-driver/platform'
import { assert, assertEqual, assertList, assertThrows } from './assert.js'
import { copyCases } from './grant-copy-cases.js'
import { noticeCases } from './grant-notice-cases.js'
import { randomMappings } from './grant-schedule.js'
import { assertHeldPages } from './held-pages.js'
import { defineSuite, type SuiteCase } from './suite.js'
import { eventually } from './wait.js'
import type { World } from './world.js'

/** A domid that no world gives to a domain of its own. */
const NOBODY = 0x7fee as Domid

const pairOf = async (world: World) => ({ dom0: world.dom0, guest: (await world.createGuest()).platform })

/** Ends both halves; nothing may have to be set aside. */
const letGo = (mapper: Platform, mapping: Mapping, sharer: Platform, pages: SharedPages): void => {
  mapper.mapper.unmap(mapping)
  assertHeldPages(sharer, sharer.sharer.unshare(pages), 0, 'pages set aside')
}

const sharing: SuiteCase[] = [
  {
    name: 'bytes that one end writes are what the other reads, in both directions and over page borders',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const pages = guest.sharer.share(dom0.domid, 5, 'writable')
      const mapping = dom0.mapper.map(guest.domid, pages.refs, 'writable')
      assertEqual(mapping.memory.byteLength, 5 * PAGE_BYTES, 'bytes mapped')
      for (let word = 0; word < 5 * PAGE_WORDS; word += 257) {
        pages.memory.store(word, word ^ 0x5a5a)
        assertEqual(mapping.memory.load(word), word ^ 0x5a5a, `word ${word} towards the mapper`)
        mapping.memory.store(word, ~word)
        assertEqual(pages.memory.load(word), ~word, `word ${word} towards the sharer`)
      }
      pages.memory.mutableBytes(PAGE_BYTES - 3, 6).set([1, 2, 3, 4, 5, 6])
      assertList([mapping.page(0).load8(PAGE_BYTES - 1), mapping.page(1).load8(0)], [3, 4], 'bytes at the border')
      letGo(dom0, mapping, guest, pages)
    },
  },
  {
    name: 'pages of one mapping lie one after the other in the order of their references',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const pages = guest.sharer.share(dom0.domid, 3, 'writable')
      const mapping = dom0.mapper.map(guest.domid, [...pages.refs].reverse(), 'writable')
      for (let page = 0; page < 3; page++) pages.memory.store(page * PAGE_WORDS, 100 + page)
      const seen = [0, 1, 2].map((page) => mapping.memory.load(page * PAGE_WORDS))
      assertList(seen, [102, 101, 100], 'first words')
      letGo(dom0, mapping, guest, pages)
    },
  },
  {
    name: 'rule 67: references 0 to 7 are reserved, and no two pages have the same one',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const all = [1, 3, 2].map((count) => guest.sharer.share(dom0.domid, count, 'read-only'))
      const refs = all.flatMap((pages) => pages.refs)
      assert(
        refs.every((ref) => ref >= 8),
        `references ${refs}`,
      )
      assertEqual(new Set(refs).size, 6, 'different references')
      for (const pages of all) guest.sharer.unshare(pages)
    },
  },
  {
    name: 'R3: a page that is shared holds zeros, whatever its memory held before',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      for (let i = 0; i < 3; i++) {
        const pages = guest.sharer.share(dom0.domid, 2, 'writable')
        assert(
          pages.memory.bytes(0, 2 * PAGE_BYTES).every((byte) => byte === 0),
          'a fresh page holds old bytes',
        )
        pages.memory.mutableBytes(0, 2 * PAGE_BYTES).fill(0xee)
        guest.sharer.unshare(pages)
      }
    },
  },
  {
    name: 'running out of references or pages is ENOSPC and leaves nothing granted; what is given back can be had again',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const all: SharedPages[] = []
      const exhaust = () => {
        for (let i = 0; i < 10_000; i++) all.push(guest.sharer.share(dom0.domid, 64, 'writable'))
      }
      assertThrows(exhaust, ['ENOSPC'], 'sharing without end')
      guest.sharer.unshare(all.pop()!)
      all.push(guest.sharer.share(dom0.domid, 64, 'writable'))
      for (const pages of all) assertEqual(guest.sharer.unshare(pages), 0, 'pages set aside')
    },
  },
]

const refusals: SuiteCase[] = [
  {
    name: 'B1: a bad reference at any place maps nothing, and `detail.index` is its place',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const pages = guest.sharer.share(dom0.domid, 4, 'writable')
      for (let place = 0; place <= 4; place++) {
        const refs = [...pages.refs]
        refs.splice(place, 0, 0xffff_ffff as GrantRef)
        const error = assertThrows(
          () => dom0.mapper.map(guest.domid, refs, 'writable'),
          ['GNTST_bad_gntref'],
          `a bad reference at ${place}`,
        )
        assertEqual(error.detail['index'], place, 'detail.index')
      }
      assertEqual(guest.sharer.unshare(pages), 0, 'pages that a refused mapping still holds')
    },
  },
  {
    name: 'G1: references that were never granted, or are not any more, cannot be mapped',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const pages = guest.sharer.share(dom0.domid, 1, 'writable')
      guest.sharer.unshare(pages)
      const refs = [pages.refs[0]!, 8 + 300, 2 ** 31, 2 ** 32 - 1] as GrantRef[]
      for (const ref of refs)
        for (const access of ['read-only', 'writable'] as const)
          assertThrows(
            () => dom0.mapper.map(guest.domid, [ref], access),
            ['GNTST_bad_gntref', 'GNTST_general_error'],
            `mapping reference ${ref}`,
          )
    },
  },
  {
    name: 'rule 68: a grant is for the one domain that it names',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      for (const granted of ['read-only', 'writable'] as const) {
        const pages = guest.sharer.share(await world.stranger(), 1, granted)
        for (const access of ['read-only', 'writable'] as const)
          assertThrows(
            () => dom0.mapper.map(guest.domid, pages.refs, access),
            ['GNTST_general_error'],
            `a ${access} mapping of what is ${granted} to another`,
          )
        guest.sharer.unshare(pages)
      }
    },
  },
  {
    name: 'a granter who is no domain: GNTST_bad_domain',
    run: async ({ dom0 }) => {
      for (const access of ['read-only', 'writable'] as const)
        assertThrows(() => dom0.mapper.map(NOBODY, [8 as GrantRef], access), ['GNTST_bad_domain'], access)
    },
  },
  {
    name: 'rule 70: a read-only grant can be mapped for reading; for writing it is a general error',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const pages = guest.sharer.share(dom0.domid, 1, 'read-only')
      pages.memory.store(0, 42)
      assertThrows(
        () => dom0.mapper.map(guest.domid, pages.refs, 'writable'),
        ['GNTST_general_error'],
        'a writable mapping of a read-only grant',
      )
      const mapping = dom0.mapper.map(guest.domid, pages.refs, 'read-only')
      assertEqual(mapping.memory.load(0), 42, 'the word that was shared')
      letGo(dom0, mapping, guest, pages)
    },
  },
  {
    name: 'rule 70: nothing can be written through a read-only mapping, of whatever grant',
    needs: ['checkedMemory'],
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      for (const access of ['read-only', 'writable'] as const) {
        const pages = guest.sharer.share(dom0.domid, 1, access)
        const mapping = dom0.mapper.map(guest.domid, pages.refs, 'read-only')
        const { memory } = mapping
        const writes = [
          () => memory.store(0, 1),
          () => memory.store8(0, 1),
          () => memory.store16(0, 1),
          () => memory.storeOrdered(0, 1),
          () => memory.compareExchange(0, 0, 1),
          () => memory.exchange(0, 1),
          () => memory.or(0, 1),
          () => memory.copyIn(0, Int32Array.of(1), 0, 1),
          () => memory.mutableBytes(0, 4),
        ]
        for (const write of writes) assertThrows(write, ['READ_ONLY_MAPPING'], String(write))
        assertEqual(pages.memory.load(0), 0, 'the word that must not be written')
        letGo(dom0, mapping, guest, pages)
      }
    },
  },
]

const ends: SuiteCase[] = [
  {
    name: 'G2: unmapping twice is a bad handle',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const pages = guest.sharer.share(dom0.domid, 2, 'writable')
      const mapping = dom0.mapper.map(guest.domid, pages.refs, 'writable')
      letGo(dom0, mapping, guest, pages)
      assertThrows(() => dom0.mapper.unmap(mapping), ['GNTST_bad_handle'], 'a second unmap')
    },
  },
  {
    name: 'memory cannot be touched after unmap, nor after unshare',
    needs: ['checkedMemory'],
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const pages = guest.sharer.share(dom0.domid, 2, 'writable')
      const mapping = dom0.mapper.map(guest.domid, pages.refs, 'writable')
      const page = mapping.page(1)
      letGo(dom0, mapping, guest, pages)
      for (const memory of [mapping.memory, page, pages.memory]) {
        assertThrows(() => memory.load(0), ['USE_AFTER_UNMAP'], 'load')
        assertThrows(() => memory.store8(1, 1), ['USE_AFTER_UNMAP'], 'store8')
        assertThrows(() => memory.bytes(0, 1), ['USE_AFTER_UNMAP'], 'bytes')
      }
    },
  },
  {
    name: 'rule 69, B8: a page that is still mapped is set aside, not reused, and freed when its peer lets go',
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const pages = guest.sharer.share(dom0.domid, 3, 'writable')
      pages.memory.store(PAGE_WORDS, 0x0dd)
      const mapping = dom0.mapper.map(guest.domid, pages.refs.slice(1), 'writable')
      assertHeldPages(guest, guest.sharer.unshare(pages), 2, 'pages set aside')
      assertHeldPages(guest, guest.sharer.reclaim(), 2, 'pages that are still held')
      const later: SharedPages[] = []
      for (let i = 0; i < 16; i++) {
        later.push(guest.sharer.share(dom0.domid, 1, 'writable'))
        later[i]?.memory.store(0, 0xbad)
      }
      assertEqual(mapping.memory.load(0), 0x0dd, 'the mapped page')
      for (const next of later) guest.sharer.unshare(next)
      dom0.mapper.unmap(mapping)
      await eventually(world.dom0.clock, () => guest.sharer.reclaim() === 0, 'the pages to be freed')
    },
  },
  {
    name: 'G2: a page that is mapped twice is held until it was unmapped twice',
    needs: ['heldPageCount'],
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const pages = guest.sharer.share(dom0.domid, 1, 'writable')
      const [first, second] = [1, 2].map(() => dom0.mapper.map(guest.domid, pages.refs, 'writable'))
      dom0.mapper.unmap(first!)
      assertEqual(guest.sharer.unshare(pages), 1, 'pages set aside')
      dom0.mapper.unmap(second!)
      assertEqual(guest.sharer.reclaim(), 0, 'pages that are still held')
    },
  },
  {
    name: 'pages of a domain that died can be read until they are unmapped',
    needs: ['separateDomains'],
    run: async (world) => {
      const guest = await world.createGuest()
      const { dom0 } = world
      const pages = guest.platform.sharer.share(dom0.domid, 1, 'writable')
      pages.memory.store(7, 77)
      const mapping = dom0.mapper.map(guest.domid, pages.refs, 'writable')
      await guest.destroy()
      assertEqual(mapping.memory.load(7), 77, 'the last that was written')
      dom0.mapper.unmap(mapping)
      assertThrows(
        () => dom0.mapper.map(guest.domid, pages.refs, 'writable'),
        ['GNTST_bad_domain', 'GNTST_bad_gntref', 'GNTST_general_error'],
        'mapping pages of the dead',
      )
    },
  },
  {
    name: 'G2: after any order of share, map, unmap and unshare, exactly what the model says is held',
    run: async (world, { seed, scale }) => {
      const { dom0, guest } = await pairOf(world)
      await randomMappings(dom0, guest, { seed, steps: Math.ceil(500 * scale) })
    },
  },
]

/** Grants as rules 67 to 70 have them, through `GrantSharer` and `GrantMapper`. */
export const grantSuite = defineSuite('grants', [...sharing, ...refusals, ...ends, ...copyCases, ...noticeCases])
