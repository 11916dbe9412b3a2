import { isLegalTransition, switchState, XenbusState } from '@split-driver/xenbus'
import { describe, expect, it } from 'vitest'
import { MemoryXenStore } from './memory-xenstore.js'

const STATES = Object.values(XenbusState)

it('rule 32: the states have the numbers of io/xenbus.h', () => {
  expect(Object.entries(XenbusState)).toEqual([
    ['Unknown', 0],
    ['Initialising', 1],
    ['InitWait', 2],
    ['Initialised', 3],
    ['Connected', 4],
    ['Closing', 5],
    ['Closed', 6],
    ['Reconfiguring', 7],
    ['Reconfigured', 8],
  ])
})

/** Rows from, columns to; 1 where legal. */
const TABLE = [
  '111111100',
  '011111100',
  '001111100',
  '000111100',
  '000011111',
  '000001100',
  '011000100',
  '000011111',
  '000011111',
]

describe('rule 32: legal transitions', () => {
  for (const from of STATES)
    it(`from ${from}`, () => {
      expect(STATES.map((to) => (isLegalTransition(from, to) ? 1 : 0)).join('')).toBe(TABLE[from])
    })
})

const world = (nodes: Record<string, string>) => {
  const store = new MemoryXenStore()
  for (const [path, value] of Object.entries(nodes)) store.nodes.set(path, value)
  return { store, view: store.view(1), directory: '/d' }
}

describe('rule 33: switchState', () => {
  it('writes state and keys in one transaction', async () => {
    const { store, view, directory } = world({ '/d/state': '1' })
    const keys = { 'ring-ref': 8, flag: true, off: false, nothing: undefined }
    expect(await switchState(view, directory, XenbusState.Initialised, { keys })).toBe('switched')
    expect(store.changes.map(({ path, value }) => [path, value])).toEqual([
      ['/d/ring-ref', '8'],
      ['/d/flag', '1'],
      ['/d/off', '0'],
      ['/d/state', '3'],
    ])
    expect(new Set(store.changes.map(({ commit }) => commit)).size).toBe(1)
  })

  it('does not write the state that is there', async () => {
    const { store, view, directory } = world({ '/d/state': '4' })
    expect(await switchState(view, directory, XenbusState.Connected)).toBe('unchanged')
    expect(store.changes).toEqual([])
  })

  it('never brings a removed directory back', async () => {
    const { store, view, directory } = world({})
    expect(await switchState(view, directory, XenbusState.Closed, { keys: { a: 1 } })).toBe('gone')
    expect(store.changes).toEqual([])
  })

  it('tries again on EAGAIN, and sees a directory that was removed meanwhile', async () => {
    const { store, view, directory } = world({ '/d/state': '1' })
    store.beforeCommit = () => {
      store.beforeCommit = undefined
      store.nodes.delete('/d/state')
    }
    expect(await switchState(view, directory, XenbusState.InitWait)).toBe('gone')
    expect(store.nodes.has('/d/state')).toBe(false)
  })

  it('gives way to the state it was told to give way to', async () => {
    const { store, view, directory } = world({ '/d/state': '5' })
    const options = { keys: { a: 1 }, unless: [XenbusState.Closing] }
    expect(await switchState(view, directory, XenbusState.Connected, options)).toBe('overtaken')
    expect(store.changes).toEqual([])
  })
})
