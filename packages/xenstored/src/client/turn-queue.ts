import type { Clock } from '@split-driver/platform'

/** Something that works in turns. */
export interface TurnTaker {
  /** Does a bounded amount of work. @returns whether there is more to do at once */
  turn(): boolean
}

/** Turns after which the others of this thread have theirs: timers, sockets, guests. */
const TURNS_AT_ONCE = 64

/** Turns of the busy after which they have theirs, if somebody was served who asks one thing at a time. */
const BUSY_TURNS_AT_ONCE = 1

/** Turns of those who ask one thing at a time before one of the busy has one. */
const FRESH_TURNS_BETWEEN = 16

/**
 * Gives turns one after the other, so that whoever has much to do cannot keep the others from theirs (S6). Who asks one
 * thing at a time goes before the busy, for whom one turn did not suffice: their requests lie ready, so that, were all
 * alike, each of his would wait for one of everybody's. Each turn is a microtask of its own, and nothing runs inside of
 * whoever asked for it; after some turns the clock lets the rest of this thread have its own.
 */
export class TurnQueue {
  readonly #clock: Pick<Clock, 'setTimer'> | undefined
  readonly #fresh = new Set<TurnTaker>()
  readonly #busy = new Set<TurnTaker>()
  /** Who needed more than one turn when there was something to do last. */
  readonly #needy = new WeakSet<TurnTaker>()
  /** Whose last turn was not enough. */
  readonly #goingOn = new WeakSet<TurnTaker>()
  #running = false
  #resting: 'all' | 'busy' | 'nobody' = 'nobody'
  /** Since the last rest; `busy` those after which there was more to do, `single` those that sufficed by themselves. */
  #turns = { all: 0, busy: 0, single: 0 }
  /** Since one of the busy had a turn. */
  #freshInRow = 0

  /** @param clock without one there is no rest: nothing but microtasks comes between two turns */
  constructor(clock?: Pick<Clock, 'setTimer'>) {
    this.#clock = clock
  }

  /** A turn for `taker`, unless it waits for one already. */
  schedule(taker: TurnTaker): void {
    if (this.#needy.has(taker)) this.#busy.add(taker)
    else this.#fresh.add(taker)
    this.#run()
  }

  remove(taker: TurnTaker): void {
    this.#fresh.delete(taker)
    this.#busy.delete(taker)
  }

  #run(): void {
    if (this.#running || this.#queue() === undefined) return
    this.#running = true
    queueMicrotask(this.#next)
  }

  /** Whose turn it is. */
  #queue(): Set<TurnTaker> | undefined {
    if (this.#resting === 'all') return undefined
    const busyMay = this.#busy.size > 0 && this.#resting === 'nobody'
    if (busyMay && (this.#fresh.size === 0 || this.#freshInRow >= FRESH_TURNS_BETWEEN)) return this.#busy
    return this.#fresh.size > 0 ? this.#fresh : undefined
  }

  readonly #next = (): void => {
    const queue = this.#queue()
    const [taker] = queue ?? []
    this.#running = taker !== undefined
    if (queue === undefined || taker === undefined) return
    queue.delete(taker)
    this.#freshInRow = queue === this.#fresh ? this.#freshInRow + 1 : 0
    this.#turn(taker)
    queueMicrotask(this.#next)
  }

  #turn(taker: TurnTaker): void {
    this.#turns.all += 1
    if (taker.turn()) {
      this.#turns.busy += 1
      this.#needy.add(taker)
      this.#goingOn.add(taker)
      this.#fresh.delete(taker)
      this.#busy.add(taker)
    } else if (!this.#goingOn.delete(taker)) {
      this.#turns.single += 1
      this.#needy.delete(taker)
    }
    const { all, busy, single } = this.#turns
    if (all >= TURNS_AT_ONCE) this.#rest('all')
    else if (single > 0 && busy >= BUSY_TURNS_AT_ONCE) this.#rest('busy')
  }

  #rest(who: 'all' | 'busy'): void {
    if (this.#clock === undefined) return
    const isAlready = this.#resting !== 'nobody'
    this.#resting = who
    if (isAlready) return
    this.#clock.setTimer(0, () => {
      this.#resting = 'nobody'
      this.#turns = { all: 0, busy: 0, single: 0 }
      this.#run()
    })
  }
}
