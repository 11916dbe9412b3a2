import type { Domid } from '@split-driver/abi'
import { expect, it } from 'vitest'
import type { FaultPlan } from '../../src/simulation/fault-plan.js'
import { SimulatedStore } from '../../src/simulation/simulated-store.js'
import { Simulation } from '../../src/simulation/simulation.js'

const stored = (seed: number, faults: FaultPlan = []) => {
  const done: string[] = []
  const simulation = new Simulation({ seed, faults })
  const below = {
    byteLength: 4096,
    sectorBytes: 512,
    readOnly: false,
    read: (position: number) => void done.push(`read ${position}`),
    write: (position: number) => void done.push(`write ${position}`),
    flush: () => void done.push('flush'),
    [Symbol.asyncDispose]: async () => void done.push('disposed'),
  }
  return { done, store: new SimulatedStore(below, simulation, 0 as Domid) }
}

it('does every transfer once, in an order of the seed’s, and looks like the store below', async () => {
  const orders = new Set<string>()
  for (let seed = 0; seed < 40; seed++) {
    const { store, done } = stored(seed)
    await Promise.all([store.write(0, []), store.write(512, []), store.read(1024, [])])
    expect([...done].sort()).toEqual(['read 1024', 'write 0', 'write 512'])
    orders.add(done.join())
  }
  expect(orders.size).toBe(6)
  await using store = stored(1).store
  expect([store.byteLength, store.sectorBytes, store.readOnly]).toEqual([4096, 512, false])
})

it('a transfer that is to fail ends in EIO; a read and a flush do nothing then, a write may have been done', async () => {
  const outcomes = new Set<string>()
  for (let seed = 0; seed < 40; seed++) {
    const { store, done } = stored(seed, [{ kind: 'fail-io', nth: 1, count: 3 }])
    for (const ended of await Promise.allSettled([store.read(0, []), store.flush(), store.write(512, [])]))
      expect(ended).toMatchObject({ status: 'rejected', reason: { code: 'EIO' } })
    outcomes.add(done.join())
  }
  expect([...outcomes].sort()).toEqual(['', 'write 512'])
})
