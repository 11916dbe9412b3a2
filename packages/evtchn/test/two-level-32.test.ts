import { FlatMemory, type Port, SharedInfo32 } from '@split-driver/abi'
import { setPending, TWO_LEVEL_32, TwoLevelEvents, unmaskPort, upcallDue } from '@split-driver/evtchn'
import { describe, expect, it } from 'vitest'
import { Sink } from './support/fifo-domain.js'

/** First and last ports of words, which are groups of the selector here, and of the whole. */
const interestingPorts = [1, 31, 32, 63, 64, 511, 512, 991, 992, 1023] as Port[]

const fresh = (vcpu = 0) => {
  const page = FlatMemory.allocate(4096)
  return { page, events: new TwoLevelEvents(page, vcpu, TWO_LEVEL_32), sink: new Sink() }
}

const read = (page: FlatMemory) => {
  const words = new Int32Array(SharedInfo32.words)
  page.copyOut(0, SharedInfo32.words, words, 0)
  return SharedInfo32.read(words)
}

describe('rule 61: the two-level ABI of a 32-bit guest', () => {
  it.each(interestingPorts)('port %i has its own bit in pending, mask and selector', (p) => {
    const { page, events } = fresh()
    expect(setPending(page, 0, p, TWO_LEVEL_32)).toBe(true)
    events.mask(p)
    const info = read(page)
    const bit = (1 << (p % 32)) >>> 0
    expect([info.evtchnPending[p >> 5], info.evtchnMask[p >> 5]]).toEqual([bit, bit])
    expect(info.vcpuInfo[0]!.evtchnPendingSel).toBe((1 << (p >> 5)) >>> 0)
    expect(info.vcpuInfo[0]!.evtchnUpcallPending).toBe(1)
  })

  it.each([0, 31])('vcpu %i serves all ports, in turns, and leaves nothing behind', (vcpu) => {
    const { page, events, sink } = fresh(vcpu)
    expect(events.portCount).toBe(1024)
    for (const p of interestingPorts) setPending(page, vcpu, p, TWO_LEVEL_32)
    expect(events.upcall(sink, 4)).toBe(true)
    expect(events.upcall(sink, 100)).toBe(false)
    expect(sink.served).toEqual(interestingPorts)
    expect(upcallDue(page, vcpu, TWO_LEVEL_32)).toBe(false)
    expect(interestingPorts.every((p) => events.isMasked(p))).toBe(true)
  })

  it('masks its 1024 ports and touches nothing behind them', () => {
    const { page, events } = fresh()
    events.maskAll()
    const { evtchnMask, wcVersion } = read(page)
    expect(evtchnMask).toEqual(Array(32).fill(0xffff_ffff))
    expect(wcVersion).toBe(0)
  })

  it('rule 63: the hypervisor unmasks for the guest, and signals what came meanwhile', () => {
    const { page, events, sink } = fresh()
    events.mask(992 as Port)
    expect(setPending(page, 0, 992 as Port, TWO_LEVEL_32)).toBe(false)
    expect(unmaskPort(page, 0, 992 as Port, TWO_LEVEL_32)).toBe(true)
    events.upcall(sink, 1)
    expect(sink.served).toEqual([992])
  })
})

describe('several vcpus', () => {
  it('leave each other’s ports alone, though one bit of the selector stands for both', () => {
    const page = FlatMemory.allocate(4096)
    const vcpus = [0, 1].map((vcpu) => new TwoLevelEvents(page, vcpu, undefined, 'claimed'))
    const sinks = [new Sink(), new Sink()]
    for (const [vcpu, events] of vcpus.entries()) {
      events.claim((2 + vcpu) as Port)
      setPending(page, vcpu, (2 + vcpu) as Port)
    }
    for (const [vcpu, events] of vcpus.entries()) events.upcall(sinks[vcpu]!, 10)
    expect(sinks.map(({ served }) => served)).toEqual([[2], [3]])
    vcpus[1]!.disclaim(3 as Port)
    vcpus[1]!.unmask(3 as Port)
    setPending(page, 1, 3 as Port)
    vcpus[1]!.upcall(sinks[1]!, 10)
    expect(sinks[1]!.served).toEqual([3])
    expect(vcpus[1]!.isPending(3 as Port)).toBe(true)
  })
})
