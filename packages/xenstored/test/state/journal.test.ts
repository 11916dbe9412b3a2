import { XenError } from '@split-driver/abi'
import { ServedStore, StoreMachine, StoreModelRun, settle } from '@split-driver/conformance'
import { packStrings, XenStoreOp } from '@split-driver/xenbus'
import { type FoundState, type StateRecord, XenstoreServer } from '@split-driver/xenstored'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemoryJournal } from '../support/memory-journal.js'
import { DOMAINS, operation, quotas } from '../support/model-choices.js'
import { StoreWorld } from '../support/store-world.js'

/** What a server holds that begins with this. */
const restored = (found: FoundState): readonly StateRecord[] => {
  const journal = new MemoryJournal(found)
  using _server = new XenstoreServer(new StoreMachine(), { quotas, journal })
  return journal.saved()
}

describe('a journal', () => {
  test('makes up all that a server held: nodes, values, permissions and their void entries, order of listings', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 120, size: 'max' }), async (operations) => {
        const journal = new MemoryJournal()
        const machine = new StoreMachine()
        const store = new ServedStore(machine, new XenstoreServer(machine, { quotas, journal }))
        const run = new StoreModelRun(store, { domains: DOMAINS, quotas })
        await run.begin()
        for (const next of operations) await run.step(next)
        expect(restored(journal.leave())).toEqual(journal.saved())
      }),
      { numRuns: 100 },
    )
  })

  test('is written before anybody is told: the client that asked, those who watch, those who read', async () => {
    const journal = new MemoryJournal(undefined, { atOnce: false })
    using world = new StoreWorld({ journal })
    const [writer, other] = [world.connect(), world.connect()]
    await other.ask(XenStoreOp.Watch, packStrings('/a', 't'))
    const before = other.messages.length
    writer.post(XenStoreOp.Mkdir, packStrings('/a'))
    await settle()
    other.post(XenStoreOp.Read, packStrings('/a'))
    await settle()
    expect(writer.messages).toEqual([])
    expect(other.messages).toHaveLength(before)
    journal.write()
    await settle()
    expect(writer.messages).toHaveLength(1)
    expect(other.messages).toHaveLength(before + 2)
  })

  test('the next server owns the same to the same: quotas count what was found, and a dead domain has no rights', async () => {
    const journal = new MemoryJournal()
    using world = new StoreWorld({ journal, quotas: { nodes: 2 } })
    const control = world.connect()
    await world.introduce(1)
    await world.introduce(2)
    await control.mkdir('/d')
    await control.ask(XenStoreOp.SetPerms, packStrings('/d', 'n0', 'b1', 'b2'))
    world.server.release(2 as never)
    const one = world.connect(1)
    expect(await one.mkdir('/d/x')).toBe('OK')

    using next = new StoreWorld({ journal: new MemoryJournal(journal.leave()), quotas: { nodes: 2 } })
    const again = next.connect(1)
    expect(await again.mkdir('/d/y')).toBe('OK')
    expect(await again.mkdir('/d/z')).toBe('!ENOSPC')
    expect(await next.connect(2).mkdir('/d/w')).toBe('!EACCES')
    expect(await next.connect().ask(XenStoreOp.GetPerms, packStrings('/d'))).toBe('n0|b1')
  })

  test('what was set by request holds: quotas of all and of one, features; and what the next server is told else', async () => {
    const journal = new MemoryJournal()
    using world = new StoreWorld({ journal, quotas: { watches: 7 } })
    const control = world.connect()
    const set = (...words: string[]): Promise<string> => control.ask(XenStoreOp.SetQuota, packStrings(...words))
    expect(await set('nodes', '50')).toBe('OK')
    expect(await set('3', 'nodes', '60')).toBe('OK')
    expect(await control.ask(XenStoreOp.SetFeature, packStrings('3', '1'))).toBe('OK')
    expect(await control.ask(XenStoreOp.Control, packStrings('quota', 'set', 'transactions', '4'))).toBe('OK')

    const told = async (found: FoundState): Promise<string[]> => {
      const next = new MemoryJournal(found)
      using again = new StoreWorld({ journal: next, quotas: { watches: 8 } })
      const client = again.connect()
      const get = (...words: string[]): Promise<string> => client.ask(XenStoreOp.GetQuota, packStrings(...words))
      const quotas = [await get('nodes'), await get('watches'), await get('transactions'), await get('3', 'nodes')]
      const rest = [await get('3', 'transactions'), await client.ask(XenStoreOp.GetFeature, packStrings('3'))]
      if (found.batches.length > 0) expect(await told(next.leave())).toEqual([...quotas, ...rest])
      return [...quotas, ...rest]
    }
    expect(await told(journal.leave())).toEqual(['50', '8', '4', '60', '4', '1'])
  })

  const node = (path: string): StateRecord => ({
    kind: 'NODE_DATA',
    connId: 0,
    txId: 0,
    access: 0,
    path,
    value: new Uint8Array(),
    permissions: [{ domid: 0 as never, kind: 'none', stale: false }],
  })

  test.each([
    ['without a root', []],
    ['with a node before its parent', [node('/'), node('/a/b')]],
    ['with a node twice', [node('/'), node('/a'), node('/a')]],
    ['with a relative path', [node('/'), node('a')]],
    ['with a path that is none', [node('/'), node('/a//b')]],
    ['with a node that nobody owns', [node('/'), { ...node('/a'), permissions: [] } as StateRecord]],
  ])('a state %s is refused', (_, records) => {
    const refusal = (): unknown => {
      try {
        return restored({ records, batches: [], generation: 0, sameBoot: true })
      } catch (error) {
        return XenError.is(error, 'EPROTO')
      }
    }
    expect(refusal()).toBe(true)
  })
})
