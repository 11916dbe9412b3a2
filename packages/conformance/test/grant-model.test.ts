import { runGrantSchedule } from '@split-driver/conformance'
import { expect, test } from 'vitest'
import { createGrantMachine } from './worlds/grant-machine.js'

test('rules 67 to 72, G1 to G4: after each call of a random schedule the hypervisor’s tables equal the model', () => {
  const machine = createGrantMachine()
  for (let seed = 1; seed <= 300; seed++) runGrantSchedule(machine, { seed, steps: 60 })
  expect(machine.parties.map(({ domid }) => machine.mappingCount(domid))).toEqual([0, 0, 0])
})
