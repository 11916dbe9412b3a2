import { DOMID_SELF, NR_VIRQS } from '@split-driver/abi'
import type { SeededRandom } from '../seeded-random.js'

/**
 * One call of one domain: a hypercall, or what its guest does to its own pages. `mask`, `clearMask` and `serve` are the
 * guest's; `raiseVirq` is the hypervisor's own.
 */
export type EventOperation =
  | { readonly op: 'allocUnbound'; readonly domid: number; readonly remoteDomid: number }
  | { readonly op: 'bindInterdomain'; readonly remoteDomid: number; readonly remotePort: number }
  | { readonly op: 'bindVirq'; readonly virq: number; readonly vcpu: number }
  | { readonly op: 'bindIpi'; readonly vcpu: number }
  | { readonly op: 'bindVcpu'; readonly port: number; readonly vcpu: number }
  | { readonly op: 'close' | 'send' | 'unmask' | 'mask' | 'clearMask'; readonly port: number }
  | { readonly op: 'setPriority'; readonly port: number; readonly priority: number }
  | { readonly op: 'reset'; readonly domid: number }
  | { readonly op: 'initControl'; readonly vcpu: number; readonly place: 'own page' | 'no page of ours' | 'askew' }
  | { readonly op: 'expandArray'; readonly place: 'own page' | 'no page of ours' }
  | { readonly op: 'serve'; readonly vcpu: number }
  | { readonly op: 'raiseVirq'; readonly virq: number; readonly vcpu: number }

export interface EventCall {
  readonly caller: number
  readonly call: EventOperation
}

/** What the domains of a run are like. */
export interface EventWorldShape {
  /** Domids; the first is the control domain. */
  readonly domids: readonly number[]
  readonly vcpus: number
  /** The highest port that a domain can have. */
  readonly maxPort: number
  /** Width of each domain's longs, in the order of `domids`; 64 bits unless given. */
  readonly wordBits?: readonly (32 | 64)[]
  /** IPIs that each domain opens before a schedule begins, so that it meets ports of several groups. Default 0. */
  readonly portsBefore?: number
}

/** A domid that no domain has. */
const NOBODY = 0x7abc

/** One beyond what any table has a record for, and one that a table has though no domain may open it. */
const NO_PORTS = [0, 127, 128, 200_000, -1]

/** How often each operation is chosen, in parts of their sum. */
const WEIGHTS: readonly (readonly [EventOperation['op'], number])[] = [
  ['allocUnbound', 14],
  ['bindInterdomain', 14],
  ['bindVirq', 3],
  ['bindIpi', 3],
  ['bindVcpu', 6],
  ['close', 6],
  ['send', 24],
  ['unmask', 4],
  ['mask', 5],
  ['clearMask', 14],
  ['setPriority', 4],
  ['reset', 1],
  ['initControl', 4],
  ['expandArray', 4],
  ['serve', 10],
  ['raiseVirq', 3],
]

const OPS = WEIGHTS.flatMap(([op, weight]) => new Array<EventOperation['op']>(weight).fill(op))

/** Any call of any domain, legal or not. */
export const chooseEventCall = (random: SeededRandom, shape: EventWorldShape): EventCall => {
  const port = () => (random.below(12) === 0 ? random.pick(NO_PORTS) : random.below(shape.maxPort + 2))
  const vcpu = () => random.below(shape.vcpus + (random.below(10) === 0 ? 1 : 0))
  const domid = () => random.pick([...shape.domids, ...shape.domids, DOMID_SELF, NOBODY])
  const virq = () => (random.below(8) === 0 ? random.pick([-1, NR_VIRQS]) : random.pick([0, 1, 2, 3, 7]))
  const call = (): EventOperation => {
    const op = random.pick(OPS)
    switch (op) {
      case 'allocUnbound':
        return { op, domid: random.below(4) === 0 ? domid() : DOMID_SELF, remoteDomid: domid() }
      case 'bindInterdomain':
        return { op, remoteDomid: domid(), remotePort: port() }
      case 'bindVirq':
      case 'raiseVirq':
        return { op, virq: op === 'raiseVirq' ? random.pick([0, 1, 2, 3, 7]) : virq(), vcpu: vcpu() }
      case 'bindIpi':
      case 'serve':
        return { op, vcpu: vcpu() }
      case 'bindVcpu':
        return { op, port: port(), vcpu: vcpu() }
      case 'setPriority':
        return { op, port: port(), priority: random.below(17) }
      case 'reset':
        return { op, domid: domid() }
      case 'initControl':
        return {
          op,
          vcpu: vcpu(),
          place: random.pick(['own page', 'own page', 'own page', 'no page of ours', 'askew']),
        }
      case 'expandArray':
        return { op, place: random.pick(['own page', 'own page', 'no page of ours']) }
      default:
        return { op, port: port() }
    }
  }
  return { caller: random.pick(shape.domids), call: call() }
}
