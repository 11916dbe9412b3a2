import type { Fault, FaultPlan } from '@split-driver/emulator'
import fc from 'fast-check'

/** Domains that a fault can name: the control domain and as many guests as there may be. */
export const MOST_GUESTS = 3

/** How much the guests get; absent is as much as they like. */
export interface Quotas {
  /** Pages of each guest's memory. */
  readonly memoryPages?: number
  readonly maxGrantFrames?: number
  /** The highest port of each guest. */
  readonly maxEventChannels?: number
  /** XenStore nodes that each guest may own. */
  readonly storeNodes?: number
}

/** Which of the interfaces that the hypervisor offers side by side the guests take. */
export interface GuestInterfaces {
  readonly eventAbi: 'two-level' | 'fifo'
  readonly grantVersion: 1 | 2
}

/**
 * One world, its work and what goes wrong in it: all that there is to say about a run. Plain data, to be replayed and
 * shrunk.
 */
export interface Scenario {
  /** Of the machine's order and of the work. */
  readonly seed: number
  readonly guests: number
  /** Bursts of requests on each disk, and of lines on each console. */
  readonly rounds: number
  readonly interfaces: GuestInterfaces
  readonly quotas: Quotas
  readonly faults: FaultPlan
}

/** What a scenario's own commands do, beside `SimulationOptions.faults`. */
export const commands = ['crash-guest', 'pull-disk', 'kill-backend', 'lose-power', 'kill-consoled'] as const

/** Steps of a quiet run are some hundreds; of one with much to wait for, thousands. */
const step = fc.oneof({ weight: 4, arbitrary: fc.nat(600) }, { weight: 1, arbitrary: fc.nat(5000) })
const some = { nth: fc.integer({ min: 1, max: 100 }), count: fc.integer({ min: 1, max: 3 }) }
const domid = fc.nat(MOST_GUESTS)
const constant = <const T>(value: T) => fc.constant(value)

const refusal: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({ kind: constant('refuse'), call: constant('grants.map'), domid: constant(0), ...some }),
  fc.record({
    kind: constant('refuse'),
    call: constant('channels.bindInterdomain'),
    domid: constant(0),
    nth: fc.integer({ min: 1, max: 12 }),
    count: some.count,
  }),
  fc.record({
    kind: constant('refuse'),
    call: constant('channels.allocUnbound'),
    domid: fc.integer({ min: 1, max: MOST_GUESTS }),
    nth: fc.integer({ min: 1, max: 3 }),
    count: some.count,
  }),
)

const delay: fc.Arbitrary<Fault> = fc.record(
  { kind: constant('delay-events'), domid, port: fc.integer({ min: 1, max: 8 }), microseconds: fc.nat(5000) },
  { requiredKeys: ['kind', 'domid', 'microseconds'] },
)

const command = (name: (typeof commands)[number], argument: fc.Arbitrary<number>): fc.Arbitrary<Fault> =>
  fc.record({ kind: constant('command'), step, name: constant(name), argument })

/** How long a daemon is away, in milliseconds. */
const absence = fc.nat(500)

const fault: fc.Arbitrary<Fault> = fc.oneof(
  refusal,
  delay,
  fc.record({ kind: constant('freeze'), domid, step, microseconds: fc.nat(500_000) }),
  fc.record({ kind: constant('slow-io'), ...some, microseconds: fc.nat(500_000) }),
  fc.record({ kind: constant('fail-io'), ...some }),
  command('crash-guest', fc.integer({ min: 1, max: MOST_GUESTS })),
  command('pull-disk', fc.integer({ min: 1, max: MOST_GUESTS })),
  command('kill-backend', absence),
  command('lose-power', absence),
  command('kill-consoled', absence),
)

const quotas: fc.Arbitrary<Quotas> = fc.oneof(
  { weight: 3, arbitrary: constant({}) },
  fc.record(
    {
      memoryPages: fc.constantFrom(16, 24, 64, 300),
      maxGrantFrames: fc.integer({ min: 1, max: 2 }),
      maxEventChannels: fc.integer({ min: 2, max: 5 }),
      storeNodes: fc.integer({ min: 10, max: 40 }),
    },
    { requiredKeys: [] },
  ),
)

/** Any scenario. Shrinks towards one guest, one round, the older interfaces, no quota and no fault. */
export const scenarios: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.noShrink(fc.nat(0xffff_ffff)),
  guests: fc.integer({ min: 1, max: MOST_GUESTS }),
  rounds: fc.integer({ min: 1, max: 10 }),
  interfaces: fc.record({ eventAbi: fc.constantFrom('two-level', 'fifo'), grantVersion: fc.constantFrom(1, 2) }),
  quotas,
  faults: fc.array(fault, { maxLength: 6 }),
})

/** Nothing is planned that could excuse a failure. */
export const isFaultless = ({ faults, quotas }: Scenario): boolean =>
  faults.length === 0 && Object.keys(quotas).length === 0
