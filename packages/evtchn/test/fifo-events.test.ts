import { EventWord, type Port } from '@split-driver/abi'
import { clearFifoPending, isFifoLinked } from '@split-driver/evtchn'
import { describe, expect, it } from 'vitest'
import { interestingFifoPorts, Sink, TestFifoDomain } from './support/fifo-domain.js'

const port = (value: number): Port => value as Port
const unsigned = (bits: number): number => bits >>> 0

/** A domain whose ports are all unmasked once, so that each event is linked. */
const fresh = (ports: readonly Port[], options = {}) => {
  const domain = new TestFifoDomain(options)
  const events = domain.events()
  for (const p of ports) events.unmask(p)
  return { domain, events, sink: new Sink() }
}

describe('rule 65: the word of a port', () => {
  it('a fresh one is masked, and an event of a masked port is pending and in no queue', () => {
    const domain = new TestFifoDomain()
    expect(domain.word(port(5))).toBe(EventWord.Masked)
    expect(domain.send(port(5))).toBe(false)
    expect(domain.word(port(5))).toBe(unsigned(EventWord.Pending | EventWord.Masked))
    expect(domain.ready()).toBe(0)
  })

  it.each(interestingFifoPorts)(
    'port %i has its own: PENDING and LINKED when it was raised, MASKED when served',
    (p) => {
      const { domain, events, sink } = fresh([p])
      expect(domain.send(p)).toBe(true)
      expect(domain.word(p)).toBe(unsigned(EventWord.Pending | EventWord.Linked))
      expect([domain.ready(), domain.head(7)]).toEqual([1 << 7, p])
      expect(events.upcall(sink, 10)).toBe(false)
      expect(sink.served).toEqual([p])
      expect(domain.word(p)).toBe(EventWord.Masked)
      expect(domain.ready()).toBe(0)
    },
  )

  it('links behind the tail, and signals only the first of a queue', () => {
    const { domain } = fresh([port(3), port(131_071), port(9)])
    expect([port(3), port(131_071), port(9)].map((p) => domain.send(p))).toEqual([true, false, false])
    expect(domain.head(7)).toBe(3)
    expect(domain.word(port(3)) & EventWord.LinkMask).toBe(131_071)
    expect(domain.word(port(131_071)) & EventWord.LinkMask).toBe(9)
    expect(domain.word(port(9)) & EventWord.LinkMask).toBe(0)
  })

  it('an event of a port that is linked already changes nothing', () => {
    const { domain, events, sink } = fresh([port(3), port(4)])
    for (const p of [3, 4, 3, 4, 3]) domain.send(port(p))
    events.upcall(sink, 10)
    expect(sink.served).toEqual([3, 4])
  })
})

describe('rule 65: the guest', () => {
  it('serves one queue in the order of its events, and the highest priority first', () => {
    const { domain, events, sink } = fresh([1, 2, 3, 4, 5].map(port))
    domain.place(port(1), 0, 15)
    domain.place(port(2), 0, 0)
    for (const p of [1, 5, 3, 2, 4]) domain.send(port(p))
    events.upcall(sink, 10)
    expect(sink.served).toEqual([2, 5, 3, 4, 1])
  })

  it('looks for a higher priority after each event', () => {
    const { domain, events } = fresh([1, 2, 3].map(port))
    domain.place(port(3), 0, 0)
    const sink = new Sink((p) => {
      if (p === 1) domain.send(port(3))
    })
    domain.send(port(1))
    domain.send(port(2))
    events.upcall(sink, 10)
    expect(sink.served).toEqual([1, 3, 2])
  })

  it('a new priority applies at the next link, not to an event in its queue', () => {
    const { domain, events, sink } = fresh([1, 2].map(port))
    domain.send(port(1))
    domain.send(port(2))
    domain.place(port(2), 0, 0)
    domain.send(port(2))
    events.upcall(sink, 10)
    expect(sink.taken()).toEqual([1, 2])
    for (const p of [1, 2]) events.unmask(port(p))
    domain.send(port(1))
    domain.send(port(2))
    events.upcall(sink, 10)
    expect(sink.taken()).toEqual([2, 1])
  })

  it('a port that moves to another queue while it was its old one’s tail leaves that one usable', () => {
    const { domain, events, sink } = fresh([1, 2, 3].map(port))
    domain.send(port(1))
    events.upcall(sink, 10)
    events.unmask(port(1))
    domain.place(port(1), 0, 3)
    for (const p of [1, 2, 3]) domain.send(port(p))
    events.upcall(sink, 10)
    expect(sink.served).toEqual([1, 1, 2, 3])
  })

  it('unmask raises what came while masked, through the hypervisor', () => {
    const { domain, events, sink } = fresh([port(8)])
    events.mask(port(8))
    domain.send(port(8))
    events.upcall(sink, 10)
    expect(sink.served).toEqual([])
    expect(events.unmask(port(8))).toBe(false)
    expect(domain.woken).toEqual([0])
    events.upcall(sink, 10)
    expect(sink.served).toEqual([8])
  })

  it('a port that was masked or cleared in its queue is taken off and not delivered', () => {
    const { domain, events, sink } = fresh([1, 2, 3].map(port))
    for (const p of [1, 2, 3]) domain.send(port(p))
    events.mask(port(1))
    expect(events.clearPending(port(2))).toBe(true)
    events.upcall(sink, 10)
    expect(sink.taken()).toEqual([3])
    expect(domain.word(port(1))).toBe(unsigned(EventWord.Pending | EventWord.Masked))
    events.unmask(port(1))
    events.upcall(sink, 10)
    expect(sink.taken()).toEqual([1])
  })

  it('a BUSY word is not unmasked by the guest; after many looks the hypervisor is asked', () => {
    const { domain, events } = fresh([port(8)])
    events.mask(port(8))
    domain.setWord(port(8), EventWord.Masked | EventWord.Busy)
    events.unmask(port(8))
    expect(domain.word(port(8))).toBe(EventWord.Busy)
  })

  it('masks every port that there is, and knows none beyond its array', () => {
    const { domain, events } = fresh([port(1), port(1024)], { pageCount: 2 })
    events.maskAll()
    expect([events.isMasked(port(1)), events.isMasked(port(1024))]).toEqual([true, true])
    expect(() => events.mask(port(2048))).toThrow(RangeError)
    expect(domain.send(port(2048))).toBe(false)
  })

  it('does nothing while upcalls are disabled; enabling tells what came', () => {
    const { domain, events, sink } = fresh([port(6)])
    events.disableUpcalls()
    domain.send(port(6))
    expect(events.upcall(sink, 10)).toBe(false)
    expect(sink.served).toEqual([])
    expect(events.enableUpcalls()).toBe(true)
    events.upcall(sink, 10)
    expect(sink.served).toEqual([6])
  })

  it('keeps the other events when a handler throws', () => {
    const { domain, events, sink } = fresh([1, 2, 3].map(port))
    domain.place(port(3), 0, 2)
    for (const p of [1, 2, 3]) domain.send(port(p))
    const bad = new Sink(() => {
      throw new Error('handler')
    })
    expect(() => events.upcall(bad, 10)).toThrow('handler')
    expect(events.upcall(sink, 10)).toBe(false)
    expect(sink.served).toEqual([1, 2])
  })

  it('an upcall inside a handler does nothing: the outer one goes on', () => {
    const { domain, events } = fresh([1, 2].map(port))
    const sink: Sink = new Sink(() => expect(events.upcall(sink, 10)).toBe(false))
    domain.send(port(1))
    domain.send(port(2))
    events.upcall(sink, 10)
    expect(sink.served).toEqual([1, 2])
  })
})

describe('several vcpus', () => {
  it('a port is served by the vcpu it is bound to at the next link', () => {
    const domain = new TestFifoDomain({ vcpus: 2 })
    const [first, second] = [domain.events(0), domain.events(1)]
    const sinks = [new Sink(), new Sink()] as const
    first.unmask(port(1))
    domain.send(port(1))
    domain.place(port(1), 1, 7)
    first.upcall(sinks[0], 10)
    first.unmask(port(1))
    domain.send(port(1))
    expect(domain.woken).toEqual([0, 1])
    expect(first.upcall(sinks[0], 10)).toBe(false)
    second.upcall(sinks[1], 10)
    expect(sinks.map((sink) => sink.served)).toEqual([[1], [1]])
  })

  it('what a vcpu finds of another’s in its queue goes there, pending as it is', () => {
    const domain = new TestFifoDomain({ vcpus: 2 })
    const [first, second] = [domain.events(0, 'claimed'), domain.events(1, 'claimed')]
    const sinks = [new Sink(), new Sink()] as const
    first.claim(port(1))
    first.unmask(port(1))
    domain.send(port(1))
    first.disclaim(port(1))
    second.claim(port(1))
    domain.place(port(1), 1, 7)
    first.upcall(sinks[0], 10)
    second.upcall(sinks[1], 10)
    expect(sinks.map((sink) => sink.served)).toEqual([[], [1]])
  })
})

describe('E1: one upcall is bounded', () => {
  it('though every handler is flooded at once again, and says that work is left', () => {
    const { domain, events } = fresh([port(8)])
    const sink = new Sink((p) => {
      events.unmask(p)
      domain.send(p)
    })
    domain.send(port(8))
    expect(events.upcall(sink, 50)).toBe(true)
    expect(sink.served.length).toBe(50)
    expect(events.upcall(sink, 1)).toBe(true)
    expect(sink.served.length).toBe(51)
  })

  it('what is left keeps its order, also for another who takes the vcpu over', () => {
    const { domain, events, sink } = fresh([1, 2, 3, 4].map(port))
    domain.place(port(4), 0, 1)
    for (const p of [1, 2, 3, 4]) domain.send(port(p))
    expect(events.upcall(sink, 2)).toBe(true)
    expect(domain.events().upcall(sink, 10)).toBe(false)
    expect(sink.served).toEqual([4, 1, 2, 3])
  })

  it('a budget of 0 delivers nothing and loses nothing', () => {
    const { domain, events, sink } = fresh([port(8)])
    domain.send(port(8))
    expect(events.upcall(sink, 0)).toBe(true)
    expect(events.upcall(sink, 1)).toBe(false)
    expect(sink.served).toEqual([8])
  })
})

describe('E3: links that lead nowhere', () => {
  it.each([
    ['to a port beyond the array', 2048],
    ['to port 0', 0],
    ['to an event that is not linked', 77],
  ])('a head that points %s ends its queue, and the next event is delivered', (_, head) => {
    const { domain, events, sink } = fresh([port(8)], { pageCount: 2 })
    domain.setHead(7, head)
    domain.setReady(1 << 7)
    expect(events.upcall(sink, 100)).toBe(false)
    expect(sink.taken()).toEqual([])
    domain.send(port(8))
    events.upcall(sink, 100)
    expect(sink.taken()).toEqual([8])
  })

  it('a circle of links ends: each event is taken off once', () => {
    const { domain, events, sink } = fresh([1, 2].map(port))
    domain.setWord(port(1), EventWord.Pending | EventWord.Linked | 2)
    domain.setWord(port(2), EventWord.Pending | EventWord.Linked | 1)
    domain.setHead(0, 1)
    domain.setReady(0xffff_ffff)
    expect(events.upcall(sink, 100)).toBe(false)
    expect(sink.served).toEqual([1, 2])
  })

  it('a guest that unlinks, masks and scribbles as it likes costs the hypervisor a bounded number of accesses', () => {
    const { domain } = fresh([1, 2].map(port))
    domain.send(port(1))
    domain.setWord(port(1), 0xffff_ffff)
    domain.send(port(2))
    expect(domain.word(port(2)) & EventWord.Linked).not.toBe(0)
    expect(domain.word(port(1)) & EventWord.Busy).toBe(0)
  })
})

describe('E2: a port that was closed', () => {
  it('is forgotten where it is linked, and cannot be given out before the guest has taken it off', () => {
    const { domain, events, sink } = fresh([1, 2].map(port))
    domain.send(port(1))
    domain.send(port(2))
    clearFifoPending(domain, port(1))
    expect(isFifoLinked(domain, port(1))).toBe(true)
    events.upcall(sink, 10)
    expect(sink.served).toEqual([2])
    expect(isFifoLinked(domain, port(1))).toBe(false)
  })
})
