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

/**
 * A random sequence of calls by several domains, each answered as the model answers it, with all of their ports compared
 * after each.
 * @throws ConformanceFailure with the calls that led there
 */
export const runEventSchedule = (tested: EventsUnderTest, random: SeededRandom, length: number): void => {
  const model = new EventModel(tested.shape)
  const calls: EventCall[] = []
  try {
    for (let step = 0; step < length; step++) {
      const call = chooseEventCall(random, tested.shape)
      calls.push(call)
      assertEqual(answerOf(tested.perform(call)), answerOf(model.perform(call)), call.call.op)
      compare(tested, model)
    }
  } catch (error) {
    throw new ConformanceFailure(`${(error as Error).message}, after ${calls.map(shown).join('; ')}`, { cause: error })
  }
}
