import { nextTurn } from '../host-clock.js'
import type { SeededChoices } from './seeded-choices.js'
import { type Task, TaskHeap } from './task-heap.js'
import type { TraceHash } from './trace-hash.js'

/** Kinds of steps in the trace. */
export const TraceKind = { Run: 1, Choice: 2, Call: 3, Answer: 4, Fault: 5 } as const

/**
 * What each task takes of virtual time, in microseconds. Were it nothing, two domains that wake each other for ever would
 * never come to the end of any time limit.
 */
const TASK_MICROSECONDS = 1

/**
 * Runs tasks one at a time in an order of its own choosing among those whose time has come, and lets time pass when there
 * is none. Between two tasks the host has a turn, so that all microtasks have run out: what a task sets off is done, or is a
 * task itself. Works by itself as long as there is anything to do.
 */
export class Scheduler {
  readonly #choices: SeededChoices
  readonly #trace: TraceHash
  readonly #intervene: (step: number) => boolean
  readonly #waiting = new TaskHeap()
  readonly #ready: Task[] = []
  readonly #frozen = new Map<number, number>()
  #now = 0
  #step = 0
  #serial = 0
  #pumping = false
  #stopped = false
  #hostWork = 0

  /**
   * @param intervene called before each task is chosen, with the number of tasks that have run; true if it did something,
   * which has a turn for itself then
   */
  constructor(choices: SeededChoices, trace: TraceHash, intervene: (step: number) => boolean) {
    this.#choices = choices
    this.#trace = trace
    this.#intervene = intervene
  }

  /** Microseconds since the machine began. */
  get now(): number {
    return this.#now
  }

  /** Tasks that have run. */
  get step(): number {
    return this.#step
  }

  /** One of `limit` possibilities: 0 to `limit` − 1. Every choice goes into the trace. */
  choose(limit: number): number {
    const choice = this.#choices.below(limit)
    this.#trace.step(TraceKind.Choice, limit, choice)
    return choice
  }

  /** `run` happens as a task of its own, at least `delay` microseconds from now. */
  schedule(domid: number, delay: number, run: () => void): Task {
    const task = { run, domid, due: this.#now + delay, serial: this.#serial++, cancelled: false }
    if (this.#stopped) return task
    this.#waiting.push(task)
    this.#pump()
    return task
  }

  /** No task of this domain's runs until it is thawed as often as it was frozen. */
  freeze(domid: number): void {
    this.#frozen.set(domid, (this.#frozen.get(domid) ?? 0) + 1)
  }

  thaw(domid: number): void {
    const depth = (this.#frozen.get(domid) ?? 0) - 1
    if (depth > 0) this.#frozen.set(domid, depth)
    else this.#frozen.delete(domid)
    this.#pump()
  }

  /** Time stands still and no task runs until `work` is settled: something of the host's that takes it real time. */
  async during<Result>(work: Promise<Result>): Promise<Result> {
    this.#hostWork++
    try {
      return await work
    } finally {
      this.#hostWork--
      this.#pump()
    }
  }

  /** Nothing happens any more. */
  stop(): void {
    this.#stopped = true
    this.#waiting.clear()
    this.#ready.length = 0
  }

  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    nextTurn(this.#turn)
  }

  readonly #turn = (): void => {
    this.#pumping = false
    if (this.#hostWork > 0 || this.#stopped) return
    const task = this.#intervene(this.#step) ? 'intervened' : this.#next()
    if (task === undefined) return
    if (task !== 'intervened') this.#run(task)
    this.#pump()
  }

  #run(task: Task): void {
    this.#trace.step(TraceKind.Run, task.domid, task.serial)
    this.#step++
    this.#now += TASK_MICROSECONDS
    try {
      task.run()
    } catch (error) {
      // Uncaught, as it would be from the host's own timers; but thrown from here it would keep microtasks from their turn.
      queueMicrotask(() => {
        throw error
      })
    }
  }

  /** The task that is to run now; time passes until there is one. @returns nothing if there will be none */
  #next(): Task | undefined {
    for (;;) {
      this.#gatherDue()
      const runnable = this.#ready.filter((task) => !task.cancelled && !this.#frozen.has(task.domid))
      if (runnable.length > 0) return this.#take(runnable[runnable.length === 1 ? 0 : this.choose(runnable.length)]!)
      const due = this.#waiting.nextDue
      if (due === Number.POSITIVE_INFINITY) return undefined
      this.#now = due
    }
  }

  #gatherDue(): void {
    while (this.#waiting.nextDue <= this.#now) this.#ready.push(this.#waiting.pop())
  }

  #take(chosen: Task): Task {
    let kept = 0
    for (const task of this.#ready) if (task !== chosen && !task.cancelled) this.#ready[kept++] = task
    this.#ready.length = kept
    return chosen
  }
}
