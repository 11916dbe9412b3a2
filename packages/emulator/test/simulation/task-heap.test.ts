import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Task, TaskHeap } from '../../src/simulation/task-heap.js'

const task = (due: number, serial: number, cancelled = false): Task => ({
  run: () => {},
  domid: 0,
  due,
  serial,
  cancelled,
})

it('gives tasks out by their time, those of one time in the order they were made, and no cancelled one', () => {
  const entries = fc.array(fc.record({ due: fc.nat(20), cancelled: fc.boolean() }), { maxLength: 60 })
  fc.assert(
    fc.property(entries, (list) => {
      const heap = new TaskHeap()
      const tasks = list.map(({ due, cancelled }, serial) => task(due, serial, cancelled))
      for (const each of tasks) heap.push(each)
      const got: Task[] = []
      while (heap.nextDue < Number.POSITIVE_INFINITY) got.push(heap.pop())
      const due = tasks.filter(({ cancelled }) => !cancelled)
      expect(got).toEqual(due.sort((a, b) => a.due - b.due || a.serial - b.serial))
    }),
  )
})
