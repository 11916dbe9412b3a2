import { XenStoreWireClient } from '@split-driver/conformance'
import { channelPair, packStrings, XenStoreOp } from '@split-driver/xenbus'
import { describe, expect, test } from 'vitest'
import { TurnQueue } from '../../src/client/turn-queue.js'
import { checkCommand } from '../../src/control/check-command.js'
import { findFaults } from '../../src/control/store-check.js'
import { newStoreHost } from '../../src/new-store-host.js'
import { AcceptedChannel } from '../../src/transport/accepted-channel.js'
import { newNode, type TreeNode } from '../../src/tree/tree.js'
import { MemoryConsole } from '../support/memory-console.js'
import { DOM } from '../support/store-world.js'

const freshHost = () => {
  const turns = new TurnQueue()
  const { host } = newStoreHost({
    options: {},
    clock: undefined,
    onMemory: () => {},
    domains: { introduce: () => {}, release: () => {}, resume: () => {}, isIntroduced: () => false },
  })
  const connect = (domid: number) => {
    const [ours, theirs] = channelPair()
    new AcceptedChannel({ domain: host.records.of(DOM(domid)), privileged: domid === 0 }, theirs, host, turns, () => {})
    return new XenStoreWireClient(ours)
  }
  return { host, connect }
}

/** Domain 1 owns /g and has a watch and a transaction open. */
const world = async () => {
  const { host, connect } = freshHost()
  const [dom0, guest] = [connect(0), connect(1)]
  await dom0.write('/g', 'value')
  await dom0.setPerms('/g', ['n1', 'r0'])
  await guest.write('/g/a', 'x')
  await guest.watch('/g', 't')
  await guest.write('/g/b', 'y', await guest.start())
  const spoil = (path: string, change: Partial<TreeNode>) => {
    const node = host.store.tree.get(path)!
    host.store.commit(host.store.tree.set(path, { ...node, ...change }), [], 0, new Map())
  }
  return { host, dom0, guest, spoil }
}

describe('CONTROL check', () => {
  test('finds nothing in a server that was used', async () => {
    const { host, dom0, guest } = await world()
    await dom0.write('/g', 'v'.repeat(4000))
    guest.stall()
    for (let i = 0; i < 100; i++) guest.post(XenStoreOp.Read, packStrings('/g'))
    for (let i = 0; i < 500; i++) await Promise.resolve()
    expect(host.records.of(DOM(1)).account.used.outstanding).toBeGreaterThan(0)
    expect(findFaults(host)).toEqual([])
  })

  test.each(['nodes', 'watches', 'outstanding', 'memory', 'transactions'] as const)(
    'finds %s that are counted wrongly',
    async (name) => {
      const { host } = await world()
      host.records.of(DOM(1)).account.add(name, 1)
      expect(findFaults(host)).toEqual([
        expect.stringMatching(`^domain 1 is said to have \\d+ of ${name}, and has \\d+$`),
      ])
    },
  )

  test('finds an owner that is no more', async () => {
    const { host } = await world()
    host.records.end(host.records.of(DOM(1)))
    expect(findFaults(host)).toContain('/g/a is owned by domain 1, which is unknown')
  })

  test('finds a listing of another length, and a name that no path has', async () => {
    const { host, spoil } = await world()
    const root = host.store.tree.get('/')!
    spoil('/', { listingBytes: 3 })
    spoil('/g', { children: root.children.set('b d', newNode(new Uint8Array(), root.permissions, 1)) })
    const faults = findFaults(host)
    expect(faults).toContainEqual(expect.stringMatching(/^\/ is said to list 3 bytes, and lists \d+$/))
    expect(faults).toContain('/g/b d is no valid path')
  })

  test('finds a watch that would never fire, and one that is nobody’s', async () => {
    const { host } = await world()
    const watch = [...host.clients.all()].flatMap((client) => [...client.watches.all()])[0]!
    host.watches.remove(watch)
    expect(findFaults(host)).toEqual([
      'a watch of connection 2 at /g never fires',
      '0 watches fire, and 1 are somebody’s',
    ])
    host.watches.add(watch)
    host.watches.add(Object.create(watch))
    expect(findFaults(host)).toEqual(['2 watches fire, and 1 are somebody’s'])
  })

  test('names what it found in its reply, as far as there is room, and prints all of it', async () => {
    const { host } = await world()
    for (let domid = 10; domid < 200; domid++) host.records.of(DOM(domid)).account.add('nodes', 1)
    const console = new MemoryConsole()
    const replies: string[] = []
    checkCommand(console).run({
      host,
      client: [...host.clients.all()][0]!,
      reqId: 1,
      txId: 0,
      parameters: [],
      rest: new Uint8Array(),
      respond: (text) => replies.push(text),
    })
    expect(replies[0]).toMatch(/^domain 10 is said to have 1 of nodes, and has 0\n[\s\S]*and \d+ more\n$/)
    expect(replies[0]!.length).toBeLessThan(4096)
    expect(console.printed).toHaveLength(190)
  })
})
