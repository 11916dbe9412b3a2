import { DOM0 } from '@split-driver/abi'
import { EmulatedHost } from '@split-driver/emulator'
import { channelPair, XenStoreClient } from '@split-driver/xenbus'
import { XenstoreServer } from '@split-driver/xenstored'
import { describe, expect, test } from 'vitest'

describe('with the real client', () => {
  const connected = () => {
    const server = new XenstoreServer({ events: {} as never, mapper: {} as never })
    const connect = () => {
      const [ours, theirs] = channelPair()
      server.accept(theirs, { domid: DOM0, privileged: true })
      return new XenStoreClient(ours)
    }
    return { connect }
  }

  test('100 transactions of 4 clients at once each add 1: none is lost (rule 48)', async () => {
    const { connect } = connected()
    const clients = [connect(), connect(), connect(), connect()]
    await clients[0]!.write('/counter', '0')
    const add = (client: XenStoreClient) =>
      client.transaction(async (transaction) => {
        const counter = Number(await transaction.read('/counter'))
        await transaction.write('/counter', String(counter + 1))
      })
    for (let i = 0; i < 25; i++) await Promise.all(clients.map(add))
    expect(await clients[0]!.read('/counter')).toBe('100')
  })

  test('900 requests in the pipe are answered in order, through a channel that holds 1024 bytes', async () => {
    const client = connected().connect()
    const names = Array.from({ length: 300 }, (_, i) => `c${i}`)
    await Promise.all(names.flatMap((name) => [client.mkdir(`/d/${name}`), client.read('/tool'), client.tryRead('/x')]))
    expect(await client.directory('/d')).toEqual(names)
  })
})

describe.each(['inline', 'threads'] as const)('on an emulated machine, %s', (mode) => {
  const boot = () => EmulatedHost.boot({ mode, memoryMiB: 32, xenstored: (dom0) => new XenstoreServer(dom0) })

  test('guests talk through their ring pages, and a domain’s death leaves nothing mapped, bound or owned', async () => {
    const host = await boot()
    const { dom0, toolstack, machine } = host
    const guest = await host.createGuest({ name: 'one' })
    const other = await host.createGuest({ name: 'two' })
    await guest.xenstore.write('data/greeting', 'hello')
    expect(await dom0.xenstore.read(`/local/domain/${guest.domid}/data/greeting`)).toBe('hello')
    await expect(other.xenstore.write(`/local/domain/${guest.domid}/data/greeting`, 'no')).rejects.toMatchObject({
      code: 'EACCES',
    })
    const unfinished = guest.xenstore.transaction(async (transaction) => {
      await transaction.write('data/half', 'done')
      await toolstack.destroy(guest.domid)
    })
    await expect(unfinished).rejects.toBeDefined()
    expect(await dom0.xenstore.tryRead(`/local/domain/${guest.domid}/data`)).toBeUndefined()
    expect(await other.xenstore.tryRead('data/none')).toBeUndefined()
    await host[Symbol.asyncDispose]()
    expect(machine.ledger()).toEqual([])
  })
})

describe.each(['inline', 'threads'] as const)('on an emulated machine that tells of ends itself, %s', (mode) => {
  const boot = () =>
    EmulatedHost.boot({
      mode,
      memoryMiB: 32,
      xenstored: (dom0) => new XenstoreServer(dom0, { domainStates: dom0.domainStates }),
    })

  test('a guest that no toolstack takes down leaves nothing, and dom0 hears of its end', async () => {
    const host = await boot()
    const { machine, store, dom0 } = host
    const { domid, start } = machine.buildGuest()
    const directory = `/local/domain/${domid}`
    await store.mkdir(directory)
    await store.setPermissions(directory, [{ domid, kind: 'none' }])
    await store.introduce(domid, start.store.frame, start.store.port)
    const watch = await dom0.xenstore.watch('@releaseDomain')
    const ends = watch[Symbol.asyncIterator]()
    await ends.next()
    machine.calls.domains.kill(domid)
    machine.calls.domains.reap(domid)
    await ends.next()
    expect(await dom0.xenstore.tryRead(directory)).toBeUndefined()
    expect(await store.isDomainIntroduced(domid)).toBe(false)
    await watch.close()
    await host[Symbol.asyncDispose]()
    expect(machine.ledger()).toEqual([])
  })

  test('one that a toolstack destroys is released once, whoever is first', async () => {
    const host = await boot()
    const guest = await host.createGuest({ name: 'one' })
    await host.toolstack.destroy(guest.domid)
    expect(await host.store.directory('/local/domain')).toEqual(['0'])
    expect(() => guest.domainStates).toThrow(/EPERM/)
    await host[Symbol.asyncDispose]()
    expect(host.machine.ledger()).toEqual([])
  })
})
