import { PAGE_BYTES } from '@split-driver/abi'
import type { Mapping, SharedPages, UnmapNotifier } from '@split-driver/grant'
import type { Platform } from '@split-driver/platform'
import { assertEqual, assertThrows } from './assert.js'
import { openChannel, pairOf } from './event-channel-pair.js'
import type { SuiteCase } from './suite.js'
import { eventually } from './wait.js'

/** What `Capabilities.unmapNotify` says that they are. */
const mapperOf = ({ mapper }: Platform) => mapper as Platform['mapper'] & UnmapNotifier<Mapping>
const sharerOf = ({ sharer }: Platform) => sharer as Platform['sharer'] & UnmapNotifier<SharedPages>

/** A byte of the second page. */
const BYTE = PAGE_BYTES + 5

/** `UnmapNotifier`: what a peer is told when pages are let go. */
export const noticeCases: SuiteCase[] = [
  {
    name: 'a mapping that ends clears the byte and sends the event that were asked for, and does so once',
    needs: ['unmapNotify'],
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const { near, far } = openChannel(dom0, guest)
      using _near = near
      using _far = far
      const pages = guest.sharer.share(dom0.domid, 2, 'writable')
      const mapping = dom0.mapper.map(guest.domid, pages.refs, 'writable')
      pages.memory.store8(BYTE, 77)
      mapperOf(dom0).notifyOnUnmap(mapping, { clearByte: BYTE, port: near.port })
      await far.expect(0, 'while it is mapped')
      assertEqual(pages.memory.load8(BYTE), 77, 'the byte while it is mapped')
      dom0.mapper.unmap(mapping)
      await far.expect(1, 'when it was unmapped')
      assertEqual(pages.memory.load8(BYTE), 0, 'the byte')
      guest.sharer.unshare(pages)
    },
  },
  {
    name: 'pages that are unshared clear the byte and send the event that were asked for',
    needs: ['unmapNotify'],
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const { near, far } = openChannel(dom0, guest)
      using _near = near
      using _far = far
      await near.expect(1, 'after binding')
      const pages = guest.sharer.share(dom0.domid, 2, 'writable')
      const mapping = dom0.mapper.map(guest.domid, pages.refs, 'writable')
      pages.memory.store8(BYTE, 77)
      sharerOf(guest).notifyOnUnmap(pages, { clearByte: BYTE, port: far.port })
      guest.sharer.unshare(pages)
      await near.expect(2, 'when they were unshared')
      assertEqual(mapping.memory.load8(BYTE), 0, 'the byte')
      dom0.mapper.unmap(mapping)
    },
  },
  {
    name: 'a notice takes the place of the one before, and an empty one asks for nothing',
    needs: ['unmapNotify'],
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const { near, far } = openChannel(dom0, guest)
      using _near = near
      using _far = far
      const pages = guest.sharer.share(dom0.domid, 1, 'writable')
      pages.memory.store(0, -1)
      const mapping = dom0.mapper.map(guest.domid, pages.refs, 'writable')
      const mapper = mapperOf(dom0)
      mapper.notifyOnUnmap(mapping, { clearByte: 0, port: near.port })
      mapper.notifyOnUnmap(mapping, { clearByte: 1 })
      dom0.mapper.unmap(mapping)
      await far.expect(0, 'after the second notice')
      assertEqual(pages.memory.load(0), ~0xff00, 'the word with one byte cleared')
      const again = dom0.mapper.map(guest.domid, pages.refs, 'writable')
      mapper.notifyOnUnmap(again, { clearByte: 0, port: near.port })
      mapper.notifyOnUnmap(again, {})
      dom0.mapper.unmap(again)
      await far.expect(0, 'after an empty notice')
      assertEqual(pages.memory.load(0), ~0xff00, 'the word with nothing more cleared')
      guest.sharer.unshare(pages)
    },
  },
  {
    name: 'a notice through a read-only mapping cannot clear a byte, nor can one be sent on a port that is not ours',
    needs: ['unmapNotify'],
    run: async (world) => {
      const { dom0, guest } = await pairOf(world)
      const { near, far } = openChannel(dom0, guest)
      using _near = near
      using _far = far
      const pages = guest.sharer.share(dom0.domid, 1, 'writable')
      const mapping = dom0.mapper.map(guest.domid, pages.refs, 'read-only')
      const mapper = mapperOf(dom0)
      assertThrows(() => mapper.notifyOnUnmap(mapping, { clearByte: 0 }), ['EINVAL'], 'clearing a byte')
      const closed = dom0.events.bindUnboundPort(dom0.domid)
      dom0.events.unbind(closed)
      assertThrows(() => mapper.notifyOnUnmap(mapping, { port: closed }), ['EINVAL'], 'a port that is closed')
      mapper.notifyOnUnmap(mapping, { port: near.port })
      dom0.mapper.unmap(mapping)
      await eventually(guest.clock, () => far.deliveries === 1, 'the event of the notice that was taken')
      guest.sharer.unshare(pages)
    },
  },
]
