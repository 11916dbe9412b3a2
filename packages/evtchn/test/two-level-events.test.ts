import { FlatMemory, type Port, SharedInfo } from '@split-driver/abi'
import { clearPending, type PortSink, setPending, TwoLevelEvents, upcallDue } from '@split-driver/evtchn'
import { describe, expect, it } from 'vitest'
import { interestingPorts, TestGuest } from './support/guest.js'

const port = (value: number): Port => value as Port

/** First and last port of the words around each edge of the selector. */
const wordEdges = [
  1, 31, 32, 63, 64, 1983, 1984, 2015, 2016, 2047, 2048, 2079, 2080, 2111, 4031, 4032, 4063, 4064, 4095,
].map(port)

const fresh = (vcpu = 0) => {
  const page = FlatMemory.allocate(4096)
  const events = new TwoLevelEvents(page, vcpu)
  const served: Port[] = []
  const sink: PortSink = {
    deliver: (delivered) => {
      served.push(delivered)
    },
  }
  return { page, events, served, sink }
}

const read = (page: FlatMemory) => {
  const words = new Int32Array(SharedInfo.words)
  page.copyOut(0, SharedInfo.words, words, 0)
  return SharedInfo.read(words)
}

describe('the bits of a port', () => {
  it.each(interestingPorts)('rule 61: port %i has its own bit in pending, mask and selector', (p) => {
    const { page, events } = fresh()
    expect(setPending(page, 0, p)).toBe(true)
    events.mask(p)
    const info = read(page)
    const bit = (1 << (p % 32)) >>> 0
    expect(info.evtchnPending.map((bits, word) => [word, bits]).filter(([, bits]) => bits !== 0)).toEqual([
      [Math.floor(p / 32), bit],
    ])
    expect(info.evtchnMask[Math.floor(p / 32)]).toBe(bit)
    expect(info.vcpuInfo[0]!.evtchnPendingSel).toBe(1n << BigInt(Math.floor(p / 64)))
    expect(info.vcpuInfo[0]!.evtchnUpcallPending).toBe(1)
  })

  it('rule 61: a vcpu uses its own vcpu_info, 64 bytes each', () => {
    const { page, events, served, sink } = fresh(31)
    expect(setPending(page, 31, port(9))).toBe(true)
    expect(read(page).vcpuInfo.findIndex((info) => info.evtchnUpcallPending === 1)).toBe(31)
    expect(new TwoLevelEvents(page, 0).upcall(sink, 10)).toBe(false)
    expect(served).toEqual([])
    events.upcall(sink, 10)
    expect(served).toEqual([9])
  })

  it.each([-1, 32, 0.5])('rule 61: there is no vcpu_info %d', (vcpu) => {
    expect(() => fresh(vcpu)).toThrow(RangeError)
  })

  it('a guest masks every port first; what is pending stays pending', () => {
    const { page, events } = fresh()
    setPending(page, 0, port(5))
    events.maskAll()
    expect(read(page).evtchnMask).toEqual(Array(128).fill(0xffff_ffff))
    expect(events.isPending(port(5))).toBe(true)
    expect(events.isMasked(port(4095))).toBe(true)
  })
})

describe('signalling', () => {
  it('rule 63: only the change from not pending to pending signals', () => {
    const { page, events, sink } = fresh()
    expect(setPending(page, 0, port(3))).toBe(true)
    expect(setPending(page, 0, port(3))).toBe(false)
    events.upcall(sink, 10)
    events.unmask(port(3))
    expect(setPending(page, 0, port(3))).toBe(true)
  })

  it('rule 63: a second port wakes nobody while an upcall is pending', () => {
    const { page } = fresh()
    expect(setPending(page, 0, port(3))).toBe(true)
    expect(setPending(page, 0, port(4))).toBe(false)
    expect(setPending(page, 0, port(4000))).toBe(false)
  })

  it('rule 63: an edge while masked reaches nobody; unmask looks again', () => {
    const { page, events, served, sink } = fresh()
    events.mask(port(3))
    expect(setPending(page, 0, port(3))).toBe(false)
    expect(read(page).vcpuInfo[0]!.evtchnPendingSel).toBe(0n)
    expect(events.upcall(sink, 10)).toBe(false)
    expect(served).toEqual([])
    expect(events.unmask(port(3))).toBe(true)
    events.upcall(sink, 10)
    expect(served).toEqual([3])
  })

  it('rule 63: unmasking a port without an event asks for nothing', () => {
    const { events, page } = fresh()
    events.mask(port(3))
    expect(events.unmask(port(3))).toBe(false)
    expect(upcallDue(page, 0)).toBe(false)
  })

  it('the guest can raise a port by itself: pending while masked, raised by unmask', () => {
    const { events, served, sink } = fresh()
    events.mask(port(77))
    events.setPending(port(77))
    expect(events.unmask(port(77))).toBe(true)
    events.upcall(sink, 1)
    expect(served).toEqual([77])
    expect(events.clearPending(port(77))).toBe(false)
  })
})

describe('the upcall', () => {
  it('rule 64: leaves upcall_pending, selector and pending clear, and the served port masked', () => {
    const { page, events, served, sink } = fresh()
    for (const p of interestingPorts) setPending(page, 0, p)
    expect(events.upcall(sink, 100)).toBe(false)
    expect(served).toEqual(interestingPorts)
    const info = read(page)
    expect(info.vcpuInfo[0]).toMatchObject({ evtchnUpcallPending: 0, evtchnPendingSel: 0n })
    expect(info.evtchnPending.every((bits) => bits === 0)).toBe(true)
    expect(interestingPorts.every((p) => events.isMasked(p))).toBe(true)
  })

  it('rule 64: looks again until upcall_pending stays clear', () => {
    const { page, events } = fresh()
    const served: Port[] = []
    const sink = {
      deliver: (p: Port) => {
        served.push(p)
        if (p < 5) setPending(page, 0, port(p + 1))
      },
    }
    setPending(page, 0, port(1))
    expect(events.upcall(sink, 100)).toBe(false)
    expect(served).toEqual([1, 2, 3, 4, 5])
  })

  it('rule 64: a spurious upcall is harmless, and so is a selector bit with nothing below', () => {
    const { page, events, served, sink } = fresh()
    expect(events.upcall(sink, 1)).toBe(false)
    setPending(page, 0, port(100))
    clearPending(page, port(100))
    expect(events.upcall(sink, 1)).toBe(false)
    expect(served).toEqual([])
    expect(events.isMasked(port(100))).toBe(false)
  })

  it('rule 64: ports take turns; the next upcall goes on behind the port served last', () => {
    const { page, events, served, sink } = fresh()
    const ports = [port(3), port(40), port(41), port(3000)]
    for (let turn = 0; turn < 8; turn++) {
      for (const p of ports) {
        events.unmask(p)
        setPending(page, 0, p)
      }
      expect(events.upcall(sink, 1)).toBe(true)
    }
    expect(served).toEqual([...ports, ...ports])
  })

  it('rule 64: within one word the bits above the last served come before those below', () => {
    const { page, events, served, sink } = fresh()
    for (const p of [64, 70, 95]) setPending(page, 0, port(p))
    events.upcall(sink, 2)
    events.unmask(port(64))
    setPending(page, 0, port(64))
    events.upcall(sink, 10)
    expect(served).toEqual([64, 70, 95, 64])
  })

  it.each(wordEdges)('rule 64: behind port %i come the higher ports, then the lower ones, then itself', (last) => {
    const { page, events, served, sink } = fresh()
    setPending(page, 0, last)
    events.upcall(sink, 1)
    events.unmask(last)
    for (const p of wordEdges) setPending(page, 0, p)
    expect(events.upcall(sink, 1000)).toBe(false)
    const after = wordEdges.filter((p) => p > last)
    const upTo = wordEdges.filter((p) => p <= last)
    expect(served).toEqual([last, ...after, ...upTo])
  })

  it('E1: one call is bounded though every handler is flooded at once again, and says that work is left', () => {
    const { page, events } = fresh()
    let calls = 0
    const sink = {
      deliver: (p: Port) => {
        calls++
        events.unmask(p)
        setPending(page, 0, p)
      },
    }
    setPending(page, 0, port(8))
    expect(events.upcall(sink, 50)).toBe(true)
    expect(calls).toBe(50)
    expect(upcallDue(page, 0)).toBe(true)
  })

  it('E1: a budget of 0 delivers nothing and loses nothing', () => {
    const { page, events, served, sink } = fresh()
    setPending(page, 0, port(8))
    expect(events.upcall(sink, 0)).toBe(true)
    expect(served).toEqual([])
    expect(events.upcall(sink, 1)).toBe(false)
    expect(served).toEqual([8])
  })

  it('an upcall inside a handler does nothing: the outer one goes on', () => {
    const { page, events } = fresh()
    const served: Port[] = []
    let nested: boolean | undefined
    const sink: PortSink = {
      deliver: (p) => {
        served.push(p)
        nested = events.upcall(sink, 10)
        expect(events.unmask(p)).toBe(false)
      },
    }
    setPending(page, 0, port(1))
    setPending(page, 0, port(2))
    expect(events.upcall(sink, 10)).toBe(false)
    expect(nested).toBe(false)
    expect(served).toEqual([1, 2])
  })

  it('keeps the other events when a handler throws', () => {
    const { page, events, served, sink } = fresh()
    for (const p of [1, 2, 3000]) setPending(page, 0, port(p))
    const bad: PortSink = {
      deliver: () => {
        throw new Error('handler')
      },
    }
    expect(() => events.upcall(bad, 10)).toThrow('handler')
    expect(events.upcall(sink, 10)).toBe(false)
    expect(served).toEqual([2, 3000])
  })

  it('does nothing while upcalls are disabled; enabling tells what came', () => {
    const { page, events, served, sink } = fresh()
    events.disableUpcalls()
    setPending(page, 0, port(6))
    expect(upcallDue(page, 0)).toBe(false)
    expect(events.upcall(sink, 10)).toBe(false)
    expect(served).toEqual([])
    expect(events.enableUpcalls()).toBe(true)
    expect(upcallDue(page, 0)).toBe(true)
    events.upcall(sink, 10)
    expect(served).toEqual([6])
    expect(events.enableUpcalls()).toBe(false)
  })
})

describe('events of a port that changes hands', () => {
  it('E2: a port that an earlier handler masked is not delivered, and its event is kept', () => {
    const { page, events } = fresh()
    const served: Port[] = []
    const sink = {
      deliver: (p: Port) => {
        served.push(p)
        events.mask(port(2))
      },
    }
    setPending(page, 0, port(1))
    setPending(page, 0, port(2))
    events.upcall(sink, 10)
    expect(served).toEqual([1])
    expect(events.unmask(port(2))).toBe(true)
    events.upcall(sink, 10)
    expect(served).toEqual([1, 2])
  })

  it('E2: a port closed and bound anew by an earlier handler sees nothing of its past', () => {
    const guest = new TestGuest()
    const stale: Port[] = []
    guest.dispatcher.open(port(1))
    guest.dispatcher.open(port(2))
    guest.dispatcher.listen(port(2), (p) => stale.push(p))
    guest.dispatcher.listen(port(1), () => {
      guest.dispatcher.close(port(2))
      clearPending(guest.page, port(2))
      guest.dispatcher.open(port(2))
      guest.listen(port(2))
    })
    guest.send(port(1))
    guest.send(port(2))
    guest.pump()
    expect(stale).toEqual([])
    expect(guest.taken()).toEqual([])
    guest.send(port(2))
    guest.pump()
    expect(guest.taken()).toEqual([2])
  })
})
