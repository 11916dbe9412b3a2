import { PAGE_WORDS } from '@split-driver/abi'
import { describe, expect, test } from 'vitest'
import { channelRecord, domainRecord, FIFO_PORTS } from '../../src/hypervisor/machine-layout.js'
import { Machine } from '../../src/machine.js'

const boot = (memoryMiB = 8) => {
  const machine = Machine.create({ memoryMiB, maxDomains: 4 })
  const { domid } = machine.buildControlDomain({ memoryPages: 8 })
  const record = machine.xen.domains.record(domid)
  return { ...machine.xen, machine, domid, record }
}

describe('PagedTable', () => {
  test('costs no frame before its first record is asked for, and one frame for all records that fit in it', () => {
    const { tables, frames, record } = boot()
    const free = frames.countFree()
    expect(tables.maptrack.wordOf(record, 0)).toBe(-1)
    const first = tables.maptrack.ensure(record, 0)
    expect(tables.maptrack.ensure(record, 255)).toBe(first + 255 * 4)
    expect(frames.countFree()).toBe(free - 1)
    expect(tables.maptrack.ensure(record, 256)).toBeGreaterThan(0)
    expect(frames.countFree()).toBe(free - 2)
    expect(tables.maptrack.reach(record)).toBe(512)
  })

  test('holds a record anywhere within its limit, and none beyond', () => {
    const { tables, record } = boot()
    const last = FIFO_PORTS - 1
    const word = tables.events.ensure(record, last)
    expect(word % PAGE_WORDS).toBe(PAGE_WORDS - channelRecord.words)
    expect(tables.events.wordOf(record, last)).toBe(word)
    expect(tables.events.wordOf(record, last - 128)).toBe(-1)
    for (const beyond of [FIFO_PORTS, FIFO_PORTS + 1, 2 ** 31, 2 ** 32, -1]) {
      expect(tables.events.ensure(record, beyond)).toBe(-1)
      expect(tables.events.wordOf(record, beyond)).toBe(-1)
    }
  })

  test('gives back what reaches beyond some frames, and holds the rest', () => {
    const { tables, frames, record } = boot()
    const first = tables.maptrack.ensure(record, 0)
    const free = frames.countFree()
    tables.maptrack.ensure(record, 256)
    tables.maptrack.ensure(record, 768)
    tables.maptrack.truncate(record, 1)
    expect(frames.countFree()).toBe(free)
    expect(tables.maptrack.reach(record)).toBe(256)
    expect([tables.maptrack.wordOf(record, 0), tables.maptrack.wordOf(record, 256)]).toEqual([first, -1])
    tables.maptrack.truncate(record, 5)
    expect(tables.maptrack.reach(record)).toBe(256)
  })

  test('says so when the machine has no frame left, and stays as it was', () => {
    const { tables, frames, record } = boot(1)
    const rest = frames.countFree()
    for (let slot = 0; slot < rest; slot++) expect(tables.maptrack.ensure(record, slot * 256)).toBeGreaterThan(0)
    expect(frames.countFree()).toBe(0)
    expect(tables.maptrack.ensure(record, rest * 256)).toBe(-1)
    expect(tables.maptrack.reach(record)).toBe(rest * 256)
    tables.maptrack.free(record)
    expect(frames.countFree()).toBe(rest)
    expect(tables.maptrack.reach(record)).toBe(0)
  })

  test('its frames go back, zeroed, when the domain ends', () => {
    const { machine, tables, frames, domains } = boot()
    const free = frames.countFree()
    const { domid } = machine.buildGuest({ memoryPages: 8, vcpus: 32 })
    const record = domains.record(domid)
    const word = tables.active.ensure(record, 700)
    machine.memory.words[word] = 7
    expect(machine.xen.framesOf(domid)).toBe(free - frames.countFree())
    machine.calls.domains.kill(domid)
    machine.calls.domains.reap(domid)
    expect(frames.countFree()).toBe(free)
    expect(machine.memory.words[word]).toBe(0)
    expect(domains.get(record, domainRecord.activeFrames)).toBe(0)
  })
})
