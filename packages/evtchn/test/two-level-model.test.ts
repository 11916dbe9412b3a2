import type { Port } from '@split-driver/abi'
import { clearPending } from '@split-driver/evtchn'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { interestingPorts, TestGuest } from './support/guest.js'

/** What a port should be doing, without a bitmap in sight. */
interface ModelPort {
  listening: boolean
  masked: boolean
  inService: boolean
  event: boolean
}

type Model = Map<Port, ModelPort>

/** Runs the upcalls that the guest asked for, and expects just the deliveries that the model foresees. */
class Pump implements fc.Command<Model, TestGuest> {
  constructor(readonly budget: number) {}
  check = () => true
  toString = () => `pump(${this.budget})`
  run(model: Model, guest: TestGuest): void {
    const expected: Port[] = []
    for (const [port, state] of model) {
      if (!state.listening || state.masked || state.inService || !state.event) continue
      state.event = false
      state.inService = true
      expected.push(port)
    }
    guest.pump(this.budget)
    expect(guest.taken().sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b))
    expect(guest.quiet).toBe(true)
  }
}

type Act = 'open' | 'listen' | 'close' | 'send' | 'eoi' | 'mask' | 'unmask'

/** One thing done to one port, legal or skipped. */
class OnPort implements fc.Command<Model, TestGuest> {
  constructor(
    readonly act: Act,
    readonly port: Port,
  ) {}
  toString = () => `${this.act}(${this.port})`

  check(model: Readonly<Model>): boolean {
    const state = model.get(this.port)
    if (this.act === 'open') return state === undefined
    if (this.act === 'listen') return state?.listening === false
    return state !== undefined
  }

  run(model: Model, guest: TestGuest): void {
    this.#apply(guest)
    if (this.act === 'open') model.set(this.port, { listening: false, masked: false, inService: false, event: false })
    else if (this.act === 'close') model.delete(this.port)
    else this.#change(model.get(this.port)!)
    expect(guest.taken()).toEqual([])
  }

  #apply(guest: TestGuest): void {
    if (this.act === 'send') guest.send(this.port)
    else if (this.act === 'listen') guest.listen(this.port)
    else guest.dispatcher[this.act](this.port)
    if (this.act === 'close') clearPending(guest.page, this.port)
  }

  #change(state: ModelPort): void {
    if (this.act === 'listen') state.listening = true
    if (this.act === 'send') state.event = true
    if (this.act === 'eoi') state.inService = false
    if (this.act === 'mask') state.masked = true
    if (this.act === 'unmask') state.masked = false
  }
}

const acts: readonly Act[] = [
  'open',
  'open',
  'listen',
  'listen',
  'send',
  'send',
  'send',
  'eoi',
  'mask',
  'unmask',
  'close',
]

it('rules 63, 64, 66 and E2: any sequence of calls delivers what a model of ports foresees, and nothing else', () => {
  const onPort = fc
    .tuple(fc.constantFrom(...acts), fc.constantFrom(...interestingPorts))
    .map(([act, port]) => new OnPort(act, port))
  const pump = fc.constantFrom(1, 2, 100).map((budget) => new Pump(budget))
  fc.assert(
    fc.property(fc.commands([onPort, onPort, onPort, pump], { maxCommands: 80 }), (commands) => {
      const guest = new TestGuest()
      fc.modelRun(() => ({ model: new Map(), real: guest }), [...commands, new Pump(3)])
    }),
    { numRuns: 1000 },
  )
})
