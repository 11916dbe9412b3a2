import { RING_FIRST_INDICES, RING_MAX_ORDER, RING_SLOT_BYTES, runRingSchedule } from '@split-driver/conformance'
import fc from 'fast-check'
import { expect, it } from 'vitest'

const shapes = fc.record({
  order: fc.integer({ min: 0, max: RING_MAX_ORDER }),
  slotBytes: fc.constantFrom(...RING_SLOT_BYTES),
  firstIndex: fc.constantFrom(...RING_FIRST_INDICES),
})

// `npm run rel -- ring --n 100000` runs many more.
it('rules 1 to 8: 5,000 random schedules of both ends agree with a model that never wraps', () => {
  fc.assert(
    fc.property(shapes, fc.uint8Array({ minLength: 1, maxLength: 96 }), (shape, schedule) =>
      runRingSchedule(shape, schedule),
    ),
    { numRuns: 5000 },
  )
})

it.each(RING_FIRST_INDICES)('the model meets full rings of every order and slot size from %i on', (firstIndex) => {
  const fillAndDrain = Uint8Array.of(0xf8, 1, 0xfa, 0xfb, 4, 0xfd, 6, 7, 0xf8, 1, 0xfa, 6)
  for (let order = 0; order <= RING_MAX_ORDER; order++) {
    for (const slotBytes of RING_SLOT_BYTES)
      expect(() => runRingSchedule({ order, slotBytes, firstIndex }, fillAndDrain)).not.toThrow()
  }
})
