import { DOM0, type FrameNumber, type Port, VIRQ, XenError } from '@split-driver/abi'
import { StoreMachine, settle, XenStoreWireClient } from '@split-driver/conformance'
import { packStrings, RingChannel, XenStoreOp } from '@split-driver/xenbus'
import { readSavedState, XenstoreServer } from '@split-driver/xenstored'
import { describe, expect, test } from 'vitest'

import { DOM, StoreWorld } from './support/store-world.js'

/** Domains 5 and 6, introduced, on a machine that tells of their ends; dom0 watches for these. */
const world = async () => {
  const store = new StoreWorld(({ domainStates }) => ({ domainStates }))
  const { states } = store.platform
  const dom0 = store.connect()
  for (const domid of [5, 6]) {
    states.set(DOM(domid), 'running')
    await dom0.mkdir(`/local/domain/${domid}`)
    await dom0.setPerms(`/local/domain/${domid}`, [`n${domid}`])
    await store.introduce(domid)
  }
  await dom0.watch('@releaseDomain', 'out')
  await dom0.events()
  /** The machine tells that some domain's state is another, and the server has looked. */
  const tell = async () => {
    store.platform.raiseVirq(VIRQ.DomExc)
    await settle()
    return dom0.events()
  }
  return { store, states, dom0, tell }
}

describe('VIRQ_DOM_EXC: domains that shut down or went are found by asking the machine', () => {
  test.each([
    ['gone', undefined],
    ['dying', 'dying'],
  ] as const)('one that is %s is released: its nodes, its page, its port, one @releaseDomain', async (_, state) => {
    const { store, states, dom0, tell } = await world()
    const released: number[] = []
    store.server.on('released', (domid) => released.push(domid))
    if (state) states.set(DOM(5), state)
    else states.delete(DOM(5))
    expect(await tell()).toEqual(['@releaseDomain out'])
    expect(released).toEqual([5])
    expect(await dom0.directory('/local/domain')).toBe('6')
    expect(store.platform.ledger().filter((line) => line.includes('domain 5'))).toEqual([])
    expect(await tell(), 'once').toEqual([])
  })

  test('one that shut down is told of once, and all that it has stays', async () => {
    const { states, dom0, tell } = await world()
    states.set(DOM(5), 'shutdown')
    expect(await tell()).toEqual(['@releaseDomain out'])
    expect(await tell()).toEqual([])
    expect(await dom0.directory('/local/domain')).toBe('5|6')
    states.set(DOM(5), 'dying')
    expect(await tell(), 'its end is news again').toEqual(['@releaseDomain out'])
    expect(await dom0.directory('/local/domain')).toBe('6')
  })

  test('a domain that was named and never introduced: what it owned goes with it, not while it is dying (S3)', async () => {
    const { states, dom0, tell } = await world()
    states.set(DOM(7), 'running')
    await dom0.write('/local/domain/7/name', 'half built')
    await dom0.setPerms('/local/domain/7', ['n7'])
    await dom0.setPerms('/tool', ['n0', 'b7'])
    expect(await tell()).toEqual([])
    states.set(DOM(7), 'dying')
    await tell()
    expect(await dom0.directory('/local/domain')).toBe('5|6|7')
    states.delete(DOM(7))
    expect(await tell(), 'nobody watched for who was not introduced').toEqual([])
    expect(await dom0.directory('/local/domain')).toBe('5|6')
    expect(await dom0.getPerms('/tool')).toBe('n0')
  })

  test('who still runs is left alone, the control domain always', async () => {
    const { store, dom0, tell } = await world()
    await dom0.setPerms('/tool', ['n0'])
    expect(await tell()).toEqual([])
    expect(store.server.isIntroduced(DOM(5))).toBe(true)
    expect(await dom0.read('/tool')).toBe('')
  })

  test('a machine that cannot be asked is no machine to serve, and that is told at once', () => {
    const platform = new StoreMachine()
    const stateOf = (): never => {
      throw new XenError('ENOSYS', 'an interface that nobody knows')
    }
    expect(() => new XenstoreServer(platform, { domainStates: { stateOf } })).toThrow(/ENOSYS/)
    expect(platform.ledger()).toEqual([])
  })

  test('the interrupt is one daemon’s: a second in the same domain is refused, and disposal gives it back', async () => {
    const { store } = await world()
    const { platform } = store
    const another = () => new XenstoreServer(platform, { domainStates: platform.domainStates })
    expect(another).toThrow(expect.objectContaining({ code: 'EEXIST' }))
    store[Symbol.dispose]()
    expect(platform.ledger()).toEqual([])
    another()[Symbol.dispose]()
    expect(platform.ledger()).toEqual([])
  })
})

describe('a server that goes on in place of another', () => {
  /** Domains 5 and 6, and a client behind a channel; while no server was there, something happened. */
  const replaced = async (meanwhile: (machine: StoreMachine) => void) => {
    const { store, dom0 } = await world()
    const { platform } = store
    const bytes = store.server.save({ fdOf: (channel) => store.served.indexOf(channel) })
    store.server.handOver()
    meanwhile(platform)
    const resume = { state: readSavedState(bytes), channelOf: (fd: number) => store.served[fd] }
    const server = new XenstoreServer(platform, { domainStates: platform.domainStates, resume })
    await settle()
    return { server, dom0, platform }
  }

  test('tells of a domain that ended meanwhile, once, and keeps nothing of it', async () => {
    const { server, dom0, platform } = await replaced(({ states }) => states.delete(DOM(5)))
    expect(await dom0.events()).toEqual(['@releaseDomain out'])
    expect([server.isIntroduced(DOM(5)), server.isIntroduced(DOM(6))]).toEqual([false, true])
    expect(await dom0.directory('/local/domain')).toBe('6')
    expect(platform.ledger().filter((line) => line.includes('domain 5'))).toEqual([])
  })

  test('does so though its ring page is gone with it', async () => {
    const { server, dom0 } = await replaced(({ states, pages }) => {
      states.set(DOM(5), 'dying')
      pages.delete(DOM(5))
    })
    expect(await dom0.events()).toEqual(['@releaseDomain out'])
    expect(server.isIntroduced(DOM(5))).toBe(false)
    expect(await dom0.directory('/local/domain')).toBe('6')
  })

  test('keeps what a domain owns whose ring cannot be had though it runs, for whoever introduces it again', async () => {
    const { server, dom0 } = await replaced(({ pages }) => pages.delete(DOM(5)))
    expect(await dom0.events()).toEqual([])
    expect(server.isIntroduced(DOM(5))).toBe(false)
    expect(await dom0.directory('/local/domain')).toBe('5|6')
  })

  test('tells of the end of such a domain, too, once', async () => {
    const { dom0, platform } = await replaced(({ pages }) => pages.delete(DOM(5)))
    for (const state of ['dying', undefined] as const) {
      if (state) platform.states.set(DOM(5), state)
      else platform.states.delete(DOM(5))
      platform.raiseVirq(VIRQ.DomExc)
      await settle()
      expect(await dom0.events()).toEqual(state ? ['@releaseDomain out'] : [])
      expect(await dom0.directory('/local/domain')).toBe('6')
    }
  })
})

describe('a program that is to take the place of this one', () => {
  test('can have the interrupt; if it comes to nothing, all is as before, and what happened meanwhile is told of', async () => {
    const { store, states, dom0, tell } = await world()
    const { server, platform } = store
    const virq = () => platform.ledger().filter((line) => line.includes('VIRQ'))
    const failing = () =>
      server.yieldTo(() => {
        expect(virq()).toEqual([])
        states.delete(DOM(5))
        throw new XenError('EIO', 'it did not start')
      })
    expect(failing).toThrow(/it did not start/)
    await settle()
    expect(await dom0.events()).toEqual(['@releaseDomain out'])
    expect(virq()).toHaveLength(1)
    states.delete(DOM(6))
    expect(await tell()).toEqual(['@releaseDomain out'])
  })
})

describe('the control domain’s own ring, which is no grant’s', () => {
  const controlled = () => {
    const platform = new StoreMachine()
    const page = platform.addDomain(DOM0)
    let wakes = 0
    platform.onNotify.set(DOM0, () => wakes++)
    const server = new XenstoreServer(platform, { controlRing: { page, port: 7 as Port } })
    return { platform, page, server, wakes: () => wakes }
  }

  test('its kernel, which waits for the first event, is woken; nothing is mapped', async () => {
    const { platform, server, wakes } = controlled()
    await settle()
    expect(wakes()).toBe(1)
    expect(platform.ledger()).toEqual(['port 1 to domain 0'])
    expect(server.isIntroduced(DOM0)).toBe(true)
    server[Symbol.dispose]()
    expect(platform.ledger()).toEqual([])
  })

  test('it is served with all rights, also what was asked before there was a server', async () => {
    const platform = new StoreMachine()
    const page = platform.addDomain(DOM0)
    const channel = RingChannel.front(page, () => platform.raise(DOM0))
    platform.onNotify.set(DOM0, () => channel.wake())
    const kernel = new XenStoreWireClient(channel)
    const written = kernel.write('domid', '0')
    new XenstoreServer(platform, { controlRing: { page, port: 7 as Port } })
    expect(await written).toBe('OK')
    expect(await kernel.read('/local/domain/0/domid')).toBe('0')
  })

  test('introduced again by a toolstack, it begins anew on its own page', async () => {
    const { platform, server } = controlled()
    server.introduce(DOM0, 0 as FrameNumber, 8 as Port)
    await settle()
    expect(platform.ledger()).toEqual(['port 2 to domain 0'])
  })
})

describe('S3: rights for domains that there are not', () => {
  test('S3: an entry that names one is void: the next bearer of its number has nothing by it', async () => {
    const { store, states, dom0, tell } = await world()
    states.delete(DOM(5))
    await tell()
    await dom0.write('/secret', 'x')
    expect(await dom0.setPerms('/secret', ['n0', 'b5', 'r6'])).toBe('OK')
    states.set(DOM(5), 'running')
    const next = await store.introduce(5)
    expect(await next.read('/secret')).toBe('!EACCES')
    expect(await dom0.getPerms('/secret')).toBe('n0|r6')
    expect(await dom0.setPerms('/secret', ['n0', 'b5'])).toBe('OK')
    expect(await next.read('/secret')).toBe('x')
  })

  test('S3: one that does not exist cannot become an owner, nor have quotas or features: ENOENT', async () => {
    const { dom0 } = await world()
    await dom0.write('/given', 'x')
    expect(await dom0.setPerms('/given', ['n7'])).toBe('!ENOENT')
    expect(await dom0.ask(XenStoreOp.GetQuota, packStrings('7', 'nodes'))).toBe('!ENOENT')
    expect(await dom0.ask(XenStoreOp.SetQuota, packStrings('7', 'nodes', '1'))).toBe('!ENOENT')
    expect(await dom0.ask(XenStoreOp.GetFeature, packStrings('7'))).toBe('!ENOENT')
    expect(await dom0.ask(XenStoreOp.SetFeature, packStrings('7', '1'))).toBe('!ENOENT')
  })

  test('S3: one that exists and was not introduced yet is who it will be', async () => {
    const { store, states, dom0 } = await world()
    states.set(DOM(7), 'running')
    await dom0.write('/given', 'x')
    expect(await dom0.setPerms('/given', ['n7'])).toBe('OK')
    expect(await (await store.introduce(7)).read('/given')).toBe('x')
  })
})

test('a domain that there is not is not known for a failed INTRODUCE: nobody can own what is its', async () => {
  const { store, dom0 } = await world()
  const failure = new XenError('GNTST_bad_domain', 'there is no domain 9')
  store.platform.mapper.map = () => {
    throw failure
  }
  expect(await dom0.ask(XenStoreOp.Introduce, packStrings('9', '1', '1'))).toBe('!EINVAL')
  expect(await dom0.setPerms('/local', ['n9'])).toBe('!ENOENT')
})
