import { expect, it } from 'vitest'
import { differencesBetween, eventChannelLine } from '../../src/dom0/dom0-state.js'

const facts = (domains: string[], processes: string[] = []) => ({ domain: domains, process: processes })

it('nothing has changed when the lines are the same, in whatever order', () => {
  expect(differencesBetween(facts(['Domain-0 0'], ['a', 'b']), facts(['Domain-0 0'], ['b', 'a']))).toEqual([])
})

it('what is left is told, and what is gone', () => {
  const differences = differencesBetween(facts(['Domain-0 0'], ['xenconsoled']), facts(['Domain-0 0', 'guest 3']))
  expect(differences).toEqual(['domain left: guest 3', 'process gone: xenconsoled'])
})

it('of two equal things each counts', () => {
  expect(differencesBetween(facts([], ['cat']), facts([], ['cat', 'cat']))).toEqual(['process left: cat'])
})

it('an event channel is the same whatever its ports and its processor are', () => {
  const line = '   5: VCPU 0: Interdomain (Connected) - Remote Domain 0, Port 3'
  expect(eventChannelLine(line)).toBe('Interdomain (Connected) - Remote Domain 0')
})
