import type { Domid } from '@split-driver/abi'
import type { Clock } from '@split-driver/platform'
import { type FaultInjector, PlannedFaults } from './fault-injector.js'
import type { CommandFault, FaultPlan, FreezeFault } from './fault-plan.js'
import { Scheduler, TraceKind } from './scheduler.js'
import { SeededChoices } from './seeded-choices.js'
import { SimulatedWakeups } from './simulated-wakeups.js'
import { TraceHash } from './trace-hash.js'
import { VirtualClock } from './virtual-clock.js'

/** What belongs to no domain. */
const MACHINE = -1

/** A transfer takes fewer microseconds than this without a fault. */
const TRANSFER_MICROSECONDS = 500

export interface SimulationOptions {
  /** Any u32; 1 unless given. Everything that happens follows from it. */
  readonly seed?: number
  /** What goes wrong; nothing unless given. */
  readonly faults?: FaultPlan
}

/**
 * The world of a simulated machine: time, order and faults, all from one seed. The same seed and the same version of all
 * code give the same trace hash.
 */
export class Simulation {
  readonly seed: number
  /** The machine's own time; a domain's is `clockOf`. */
  readonly clock: Clock
  readonly wakeups: SimulatedWakeups
  readonly #scheduler: Scheduler
  readonly #trace = new TraceHash()
  readonly #faults: FaultInjector | undefined
  readonly #steps: (FreezeFault | CommandFault)[]
  readonly #commands = new Map<string, (argument: number | undefined) => void>()

  constructor({ seed = 1, faults = [] }: SimulationOptions = {}) {
    this.seed = seed
    this.#scheduler = new Scheduler(new SeededChoices(seed), this.#trace, (step) => this.#intervene(step))
    this.#faults = faults.length > 0 ? new PlannedFaults(faults) : undefined
    this.#steps = faults.filter((fault) => fault.kind === 'freeze' || fault.kind === 'command')
    this.#steps.sort((one, other) => one.step - other.step)
    this.clock = this.clockOf(MACHINE)
    this.wakeups = new SimulatedWakeups(this.#scheduler)
  }

  /** Tasks that have run: events delivered, timers, completed transfers. */
  get step(): number {
    return this.#scheduler.step
  }

  /** 16 hexadecimal digits that stand for every choice, task and hypercall so far. */
  get traceHash(): string {
    return this.#trace.digest()
  }

  /** Time and timers of one domain: while it is frozen, none of its timers runs. */
  clockOf(domid: number): Clock {
    return new VirtualClock(this.#scheduler, domid)
  }

  /** A domain does not run until `thaw` was called as often. */
  freeze(domid: Domid): void {
    this.#scheduler.freeze(domid)
  }

  thaw(domid: Domid): void {
    this.#scheduler.thaw(domid)
  }

  /** 0 to `limit` − 1, as the seed has it: for whatever else may happen in one way or another. */
  choose(limit: number): number {
    return this.#scheduler.choose(limit)
  }

  /** What the plan's command of this name does. */
  onCommand(name: string, action: (argument: number | undefined) => void): void {
    this.#commands.set(name, action)
  }

  /**
   * One transfer to a device outside the machine: fulfilled at a time of the simulation's choosing.
   * @param domid who waits for it @returns whether it succeeds
   */
  completion(domid: Domid): Promise<boolean> {
    const fault = this.#faults?.nextTransfer()
    const delay = this.#scheduler.choose(TRANSFER_MICROSECONDS) + (fault?.delay ?? 0)
    return new Promise((resolve) => {
      this.#scheduler.schedule(domid, delay, () => resolve(fault?.fails !== true))
    })
  }

  /** Time stands still until `work` is settled: something of the host's, such as loading a module. */
  during<Result>(work: Promise<Result>): Promise<Result> {
    return this.#scheduler.during(work)
  }

  /** Notes a hypercall, and makes it, unless the plan says that it fails. @throws what the call throws */
  hypercall(call: string, args: readonly unknown[], make: () => unknown): unknown {
    const trace = this.#trace
    trace.step(TraceKind.Call, this.step, args.length)
    trace.value(call)
    trace.value(args)
    try {
      const refusal = this.#faults?.refuse(call, args[0])
      if (refusal) throw refusal
      if (call === 'channels.send') this.wakeups.delay = this.#faults?.delayOfEvent(args[0], args[1]) ?? 0
      const answer = make()
      trace.step(TraceKind.Answer, 0, 0)
      trace.value(answer)
      return answer
    } catch (error) {
      trace.step(TraceKind.Answer, 1, 0)
      trace.value(error instanceof Error ? error.message : error)
      throw error
    } finally {
      this.wakeups.delay = 0
    }
  }

  /** The machine is no more: no event, no timer. */
  stop(): void {
    this.#scheduler.stop()
  }

  /** What the plan has for this step, one thing at a time. @returns whether there was anything */
  #intervene(step: number): boolean {
    const next = this.#steps[0]
    if (next === undefined || next.step > step) return false
    this.#steps.shift()
    this.#trace.step(TraceKind.Fault, step, next.step)
    if (next.kind === 'command') this.#commands.get(next.name)?.(next.argument)
    else this.#freezeFor(next)
    return true
  }

  #freezeFor({ domid, microseconds }: FreezeFault): void {
    this.#scheduler.freeze(domid)
    this.#scheduler.schedule(MACHINE, microseconds, () => this.#scheduler.thaw(domid))
  }
}
