import { DOM0, type Port } from '@split-driver/abi'
import { expect, test } from 'vitest'
import { machineWithTwo, settle } from './pair.js'

/** Pages that the guest shares and the control domain has mapped, and a channel whose deliveries to each end are counted. */
const mappedPages = () => {
  const { machine, dom0, guest } = machineWithTwo()
  const far = guest.events.bindUnboundPort(DOM0)
  const near = dom0.events.bindInterdomain(guest.domid, far)
  const told = { dom0: 0, guest: 0 }
  dom0.events.listen(near, (port) => {
    told.dom0++
    dom0.events.eoi(port)
  })
  guest.events.listen(far, (port) => {
    told.guest++
    guest.events.eoi(port)
  })
  const pages = guest.sharer.share(DOM0, 2, 'writable')
  const mapping = dom0.mapper.map(guest.domid, pages.refs, 'writable')
  return { machine, dom0, guest, near, far, told, pages, mapping }
}

test('rule 73: the byte is cleared while the pages are mapped, and only then the event is sent', async () => {
  const { dom0, guest, near, told, pages, mapping } = mappedPages()
  await settle()
  pages.memory.store8(4097, 9)
  dom0.mapper.notifyOnUnmap(mapping, { clearByte: 4097, port: near })
  dom0.mapper.unmap(mapping)
  expect(pages.memory.load8(4097)).toBe(0)
  expect(guest.sharer.unshare(pages)).toBe(0)
  await settle()
  expect(told.guest).toBe(1)
})

test('a byte outside of the pages is the caller’s mistake; a mapping that has ended is a bad handle', () => {
  const { dom0, guest, pages, mapping } = mappedPages()
  for (const clearByte of [-1, 8192, 0.5]) {
    expect(() => dom0.mapper.notifyOnUnmap(mapping, { clearByte })).toThrow(RangeError)
    expect(() => guest.sharer.notifyOnUnmap(pages, { clearByte })).toThrow(RangeError)
  }
  dom0.mapper.unmap(mapping)
  expect(() => dom0.mapper.notifyOnUnmap(mapping, {})).toThrow(/GNTST_bad_handle/)
  guest.sharer.unshare(pages)
  expect(() => guest.sharer.notifyOnUnmap(pages, {})).toThrow(TypeError)
})

test('EINVAL: a port that is not open, or is no port', () => {
  const { dom0, mapping } = mappedPages()
  for (const port of [0, 99, 2 ** 31])
    expect(() => dom0.mapper.notifyOnUnmap(mapping, { port: port as Port })).toThrow(/EINVAL/)
})

test('a port that was closed meanwhile tells nobody, and the pages are let go all the same', () => {
  const { machine, dom0, guest, near, far, pages, mapping } = mappedPages()
  dom0.mapper.notifyOnUnmap(mapping, { port: near })
  guest.sharer.notifyOnUnmap(pages, { port: far })
  dom0.events.unbind(near)
  guest.events.unbind(far)
  dom0.mapper.unmap(mapping)
  expect(guest.sharer.unshare(pages)).toBe(0)
  expect(machine.ledger()).toEqual([])
})

test('of a domain that has died nothing is sent, and no byte is cleared: its kernel died with it', async () => {
  const { machine, dom0, guest, told, pages, far } = mappedPages()
  await settle()
  const before = told.dom0
  const ours = dom0.sharer.share(guest.domid, 1, 'writable')
  const mapping = guest.mapper.map(DOM0, ours.refs, 'writable')
  ours.memory.store8(0, 9)
  guest.mapper.notifyOnUnmap(mapping, { clearByte: 0, port: far })
  guest.sharer.notifyOnUnmap(pages, { clearByte: 0, port: far })
  machine.calls.domains.kill(guest.domid)
  guest.revoke()
  expect(() => guest.mapper.unmap(mapping)).toThrow(/ESRCH/)
  expect(() => guest.sharer.unshare(pages)).toThrow(/ESRCH/)
  await settle()
  expect([told.dom0, ours.memory.load8(0)]).toEqual([before, 9])
})
