import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Scheduler } from '../../src/simulation/scheduler.js'
import { SeededChoices } from '../../src/simulation/seeded-choices.js'
import { Simulation } from '../../src/simulation/simulation.js'
import { TraceHash } from '../../src/simulation/trace-hash.js'

const HOUR = 3_600_000

const after = (simulation: Simulation, milliseconds: number, domid = 0): Promise<number> =>
  new Promise((resolve) => {
    const clock = simulation.clockOf(domid)
    clock.setTimer(milliseconds, () => resolve(clock.now()))
  })

describe('virtual time', () => {
  it('passes when there is nothing to do: hours cost nothing, and no timer is early or much too late', async () => {
    const simulation = new Simulation({ seed: 3 })
    const asked = [24 * HOUR, 0, 1, HOUR, 0.5, 1000]
    const ran = await Promise.all(asked.map((milliseconds) => after(simulation, milliseconds)))
    for (const [i, due] of asked.entries()) {
      expect(ran[i]).toBeGreaterThanOrEqual(due)
      expect(ran[i]).toBeLessThan(due + 0.1)
    }
  })

  it('takes its course where two wake each other for ever, so that a time limit is reached', async () => {
    const simulation = new Simulation()
    let turns = 0
    let over = false
    const turn = () => {
      turns++
      if (!over) simulation.clock.setTimer(0, turn)
    }
    turn()
    await after(simulation, 2)
    over = true
    expect(turns).toBeGreaterThan(10)
  })

  it('stands still while the host is at work', async () => {
    const simulation = new Simulation()
    let ran = false
    simulation.clock.setTimer(1, () => {
      ran = true
    })
    await simulation.during(new Promise((resolve) => setTimeout(resolve, 20)))
    expect({ ran, now: simulation.clock.now() }).toEqual({ ran: false, now: 0 })
    await after(simulation, 2)
    expect(ran).toBe(true)
  })

  it('a timer that was cancelled never runs, and holds nothing up', async () => {
    const simulation = new Simulation()
    let ran = false
    const timer = simulation.clock.setTimer(5, () => {
      ran = true
    })
    await after(simulation, 1)
    timer.cancel()
    timer.cancel()
    expect(await after(simulation, HOUR)).toBeLessThan(HOUR + 2)
    expect(ran).toBe(false)
  })

  it('ends with the machine', async () => {
    const simulation = new Simulation()
    let ran = false
    simulation.clock.setTimer(1, () => {
      ran = true
    })
    simulation.stop()
    simulation.clock.setTimer(1, () => {
      ran = true
    })
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(ran).toBe(false)
  })
})

describe('the order', () => {
  it('of what is due at one time is any, over the seeds', async () => {
    const orders = new Set<string>()
    for (let seed = 0; seed < 200; seed++) {
      const simulation = new Simulation({ seed })
      let order = ''
      await Promise.all([0, 1, 2].map((i) => after(simulation, 0, i).then(() => (order += i))))
      orders.add(order)
    }
    expect([...orders].sort()).toEqual(['012', '021', '102', '120', '201', '210'])
  })

  it('of what could run at once is any, too, and each task takes some time', async () => {
    const orders = new Set<string>()
    for (let seed = 0; seed < 200; seed++) {
      const scheduler = new Scheduler(new SeededChoices(seed), new TraceHash(), () => false)
      const times = new Set<number>()
      let order = ''
      const ran = [0, 1, 2].map(
        (domid) =>
          new Promise<void>((resolve) => {
            scheduler.schedule(domid, 5, () => {
              order += domid
              times.add(scheduler.now)
              resolve()
            })
          }),
      )
      await Promise.all(ran)
      expect(times.size).toBe(3)
      orders.add(order)
    }
    expect(orders.size).toBe(6)
  })

  it('gives what a task set off its end before the next one begins', async () => {
    const simulation = new Simulation()
    const seen: string[] = []
    const chain = async (name: string) => {
      await after(simulation, 0)
      for (let i = 0; i < 20; i++) {
        seen.push(name)
        await Promise.resolve()
      }
    }
    await Promise.all([chain('a'), chain('b'), chain('c')])
    const changes = seen.filter((name, i) => i > 0 && seen[i - 1] !== name)
    expect(changes).toHaveLength(2)
  })

  it('goes on after a task that throws: the error is uncaught, what the task set off comes before the next one', async () => {
    const program = fileURLToPath(new URL('../programs/throwing-task.mjs', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, [program])
    expect(stdout).toBe('uncaught, what it set off, the next task')
  })
})
