import { DOM0 } from '@split-driver/abi'
import type { DomainState, DomainStates } from '@split-driver/platform'
import type { FoundState } from '@split-driver/xenstored'
import { expect, test } from 'vitest'
import { stillThere } from '../../src/state/journal/found-rings.js'
import { DOM } from '../support/store-world.js'

/** A state in which domain 5 was served, and what the machine says of it now. */
const looked = (was: { uuid: string; sameBoot?: boolean }, states: DomainStates | undefined, domid = DOM(5)) => {
  const introduced = { kind: 'INTRODUCED', domid, shutDown: 0, remotePort: 1, uuid: was.uuid } as const
  const found: FoundState = {
    records: [],
    batches: [{ entries: [introduced], generation: 1 }],
    generation: 1,
    sameBoot: was.sameBoot ?? true,
  }
  const { there, gone } = stillThere(found, states, DOM0)
  return [there.map((ring) => ring.domid), gone.map((ring) => ring.domid)]
}

const saying = (state: DomainState | undefined, uuid?: string): DomainStates => ({
  stateOf: () => state,
  ...(uuid === undefined ? {} : { uuidOf: () => uuid }),
})

const THERE = [[5], []]
const GONE = [[], [5]]

test.each([
  ['it runs', 'a', saying('running', 'a'), THERE],
  ['it has shut down', 'a', saying('shutdown', 'a'), THERE],
  ['it is dying', 'a', saying('dying', 'a'), GONE],
  ['there is none', 'a', saying(undefined, 'a'), GONE],
  ['another has its domid', 'a', saying('running', 'b'), GONE],
  ['the machine tells no lives apart', 'a', saying('running'), THERE],
  ['the machine before told none apart', '', saying('running', 'b'), THERE],
  ['the machine says nothing of domains', 'a', undefined, THERE],
])('a domain that was served: %s', (_, uuid, states, expected) => {
  expect(looked({ uuid }, states)).toEqual(expected)
})

test('after another start of the machine none is left, whatever runs there; the control domain is not buried for it', () => {
  const was = { uuid: 'a', sameBoot: false }
  expect(looked(was, saying('running', 'a'))).toEqual(GONE)
  expect(looked(was, undefined)).toEqual(GONE)
  expect(looked(was, undefined, DOM0)).toEqual([[], []])
})
