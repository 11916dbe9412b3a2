/** Something that will happen, of one domain's or of the machine's. */
export interface Task {
  readonly run: () => void
  /** Whose code runs then; −1 for the machine's own. */
  readonly domid: number
  /** In microseconds of virtual time: not before. */
  readonly due: number
  /** Tasks are told apart, and those due at one time kept in order, by when they were made. */
  readonly serial: number
  cancelled: boolean
}

/** Tasks that wait for their time, the earliest first. */
export class TaskHeap {
  readonly #tasks: Task[] = []

  /** Microseconds at which the earliest is due; infinite if there is none. */
  get nextDue(): number {
    this.#dropCancelled()
    return this.#tasks[0]?.due ?? Number.POSITIVE_INFINITY
  }

  push(task: Task): void {
    const tasks = this.#tasks
    let at = tasks.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(task, tasks[parent]!)) break
      tasks[at] = tasks[parent]!
      at = parent
    }
    tasks[at] = task
  }

  /** Takes the earliest out. There must be one: ask for `nextDue` before. */
  pop(): Task {
    const tasks = this.#tasks
    const first = tasks[0]!
    const last = tasks.pop()!
    if (tasks.length > 0) this.#sink(last)
    return first
  }

  clear(): void {
    this.#tasks.length = 0
  }

  #dropCancelled(): void {
    while (this.#tasks[0]?.cancelled) this.pop()
  }

  #sink(task: Task): void {
    const tasks = this.#tasks
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= tasks.length) break
      if (child + 1 < tasks.length && isBefore(tasks[child + 1]!, tasks[child]!)) child++
      if (!isBefore(tasks[child]!, task)) break
      tasks[at] = tasks[child]!
      at = child
    }
    tasks[at] = task
  }
}

const isBefore = (one: Task, other: Task): boolean =>
  one.due < other.due || (one.due === other.due && one.serial < other.serial)
