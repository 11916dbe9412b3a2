import { DOMID_SELF } from '@split-driver/abi'
import { assertEqual, ConformanceFailure } from '../assert.js'
import type { SeededRandom } from '../seeded-random.js'
import { type EventAnswer, EventModel } from './event-model.js'
import { chooseEventCall, type EventCall } from './event-operation.js'
import type { EventsUnderTest } from './events-under-test.js'

const shown = ({ caller, call }: EventCall): string => {
  const { op, ...rest } = call
  return `${caller}: ${op}(${Object.entries(rest)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ')})`
}

const answerOf = (answer: EventAnswer): string => (Array.isArray(answer) ? `[${answer.join()}]` : String(answer))

/** Every port's status, pending and mask bit, and every vcpu's upcall flag. */
const compare = (tested: EventsUnderTest, model: EventModel): void => {
  const { domids, vcpus, maxPort } = tested.shape
  for (const domid of domids) {
    const domain = model.domain(domid)
    for (let port = 1; port <= maxPort + 1; port++) {
      const actual = tested.observe(domid, port)
      const expected = domain.channel(port)!
      const isSame =
        actual.is === expected.is &&
        actual.vcpu === expected.vcpu &&
        actual.remoteDomid === expected.remoteDomid &&
        actual.remotePort === expected.remotePort &&
        actual.virq === expected.virq &&
        actual.pending === domain.isPending(port) &&
        actual.masked === domain.isMasked(port)
      if (isSame) continue
      const wanted = { ...expected, pending: domain.isPending(port), masked: domain.isMasked(port) }
      throw new ConformanceFailure(
        `port ${port} of domain ${domid} is ${JSON.stringify(actual)}, not ${JSON.stringify(wanted)}`,
      )
    }
    for (let vcpu = 0; vcpu < vcpus; vcpu++)
      assertEqual(tested.isDue(domid, vcpu), domain.due[vcpu], `upcall due on vcpu ${vcpu} of domain ${domid}`)
  }
}

/** Calls made of the hypervisor and of the model, which must agree after each. */
class Schedule {
  readonly calls: EventCall[] = []
  readonly #tested: EventsUnderTest
  readonly #model: EventModel

  constructor(tested: EventsUnderTest) {
    this.#tested = tested
    this.#model = new EventModel(tested.shape)
  }

  step(call: EventCall): EventAnswer {
    const answer = this.#answer(call)
    compare(this.#tested, this.#model)
    return answer
  }

  #answer(call: EventCall): EventAnswer {
    this.calls.push(call)
    const answer = this.#model.perform(call)
    assertEqual(answerOf(this.#tested.perform(call)), answerOf(answer), call.call.op)
    return answer
  }

  /** Some domains at the FIFO ABI, and channels between them that are let through, so that what follows meets something. */
  begin(random: SeededRandom): void {
    const { domids, vcpus, portsBefore = 0 } = this.#tested.shape
    for (const caller of domids) {
      for (let i = 0; i < portsBefore; i++) this.#answer({ caller, call: { op: 'bindIpi', vcpu: random.below(vcpus) } })
      if (random.below(3) === 0) continue
      for (let vcpu = 0; vcpu < vcpus; vcpu++)
        this.step({ caller, call: { op: 'initControl', vcpu, place: 'own page' } })
      this.step({ caller, call: { op: 'expandArray', place: 'own page' } })
    }
    for (let channels = random.below(4); channels > 0; channels--)
      this.#openChannel(random.pick(domids), random.pick(domids))
  }

  #openChannel(caller: number, peer: number): void {
    const offered = this.step({ caller, call: { op: 'allocUnbound', domid: DOMID_SELF, remoteDomid: peer } })
    if (typeof offered !== 'number') return
    this.step({ caller, call: { op: 'clearMask', port: offered } })
    const call = { op: 'bindInterdomain', remoteDomid: caller, remotePort: offered } as const
    const bound = this.step({ caller: peer, call })
    if (typeof bound === 'number') this.step({ caller: peer, call: { op: 'clearMask', port: bound } })
  }
}

/**
 * A random sequence of calls by several domains, each answered as the model answers it, with all of their ports compared
 * after each.
 * @param length how many calls, beside those that open a few channels first
 * @throws ConformanceFailure with the calls that led there
 */
export const runEventSchedule = (tested: EventsUnderTest, random: SeededRandom, length: number): void => {
  const schedule = new Schedule(tested)
  try {
    schedule.begin(random)
    for (let step = 0; step < length; step++) schedule.step(chooseEventCall(random, tested.shape))
  } catch (error) {
    const { message } = error as Error
    throw new ConformanceFailure(`${message}, after ${schedule.calls.map(shown).join('; ')}`, { cause: error })
  }
}
