import { type Domid, XenError } from '@split-driver/abi'
import { describe, expect, test } from 'vitest'
import { host } from './support/console-host.js'
import { noPort, settle } from './support/console-pair.js'

describe('the daemon serves every domain', () => {
  test('those that are there, those that come, and not those that have gone; the log stays until it is forgotten', async () => {
    const { machine, store, daemon, before, build, end, say, logOf } = await host()
    const changes: string[] = []
    daemon.on('connect', ({ domid }) => changes.push(`+${domid}`))
    daemon.on('disconnect', ({ domid }) => changes.push(`-${domid}`))
    await say(before, 'I was here first')
    const later = await build()
    await settle()
    await say(later, 'I came later')
    expect([logOf(before), logOf(later)]).toEqual(['I was here first\r\n', 'I came later\r\n'])
    expect(daemon.forget(later.domid)).toBe(false)
    await end(later)
    await settle()
    expect(changes).toEqual([`+${later.domid}`, `-${later.domid}`])
    expect(logOf(later)).toBe('I came later\r\n')
    expect(daemon.get(later.domid)?.connected).toBe(false)
    expect(daemon.forget(later.domid)).toBe(true)
    expect(logOf(later)).toBeUndefined()
    await daemon.close()
    expect(store.openWatches).toBe(0)
    expect(logOf(before)).toBe('I was here first\r\n')
    expect(machine.ledger()).toEqual([])
  })

  test('rule 36: keys that come after the introduction are found', async () => {
    const { store, keys, build, daemon } = await host()
    const guest = await build({ port: '' })
    await settle()
    expect(daemon.get(guest.domid)).toBeUndefined()
    await keys(guest.domid, { port: guest.console.port })
    await settle()
    expect(daemon.get(guest.domid)?.connected).toBe(true)
    await store.write(`/local/domain/${guest.domid}/console/port`, String(guest.console.port))
    await settle()
    expect(daemon.get(guest.domid)?.connected).toBe(true)
  })

  test('only so many logs of the dead are kept, the youngest', async () => {
    const { daemon, build, end } = await host({ deadLogs: 2 })
    const gone: Domid[] = []
    for (let i = 0; i < 4; i++) {
      const guest = await build()
      await settle()
      await end(guest)
      await settle()
      gone.push(guest.domid)
    }
    const kept = daemon.consoles().filter(({ connected }) => !connected)
    expect(kept.map(({ domid }) => domid)).toEqual([...new Set(gone)].slice(-2))
  })

  test('a console that another daemon serves is left alone', async () => {
    const { build, daemon, faults } = await host()
    const guest = await build({ type: 'ioemu' })
    await settle()
    expect([daemon.get(guest.domid), faults]).toEqual([undefined, []])
  })

  test('close ends everything, twice over, and what comes later is not served', async () => {
    const { daemon, build, machine } = await host()
    await Promise.all([daemon.close(), daemon.close()])
    const guest = await build()
    await settle()
    expect(daemon.get(guest.domid)).toBeUndefined()
    expect(machine.ledger()).toEqual([])
  })
})

describe('a domain that fails disturbs no other', () => {
  test.each([
    ['a port that is not offered', { port: noPort }, 'EINVAL'],
    ['port 0', { port: 0 }, 'BAD_KEY'],
    ['a negative port', { port: -1 }, 'BAD_KEY'],
    ['a port of 2³²', { port: 2 ** 32 }, 'BAD_KEY'],
    ['an empty port', { port: '' }, 'BAD_KEY'],
    ['junk for a port', { port: '7 ; rm' }, 'BAD_KEY'],
    ['a port in exponents', { port: '1e1' }, 'BAD_KEY'],
    ['no limit at all', { limit: 0 }, 'BAD_KEY'],
    ['junk for a limit', { limit: '1 MiB' }, 'BAD_KEY'],
  ])('B6: %s', async (_, keys, code) => {
    const { build, say, before, logOf, faults, daemon } = await host()
    const bad = await build(keys)
    await settle()
    expect(faults).toContainEqual([bad.domid, code])
    expect(daemon.get(bad.domid)).toBeUndefined()
    await say(before, 'undisturbed')
    expect(logOf(before)).toBe('undisturbed\r\n')
  })

  test('a console page that cannot be mapped', async () => {
    const { build, end, say, before, logOf, faults, keys, store } = await host()
    const dead = await build({ port: '' })
    await end(dead)
    await keys(dead.domid, { port: dead.console.port, 'ring-ref': 1 })
    await store.introduce(dead.domid)
    await settle()
    expect(faults.map(([domid]) => domid)).toContain(dead.domid)
    await say(before, 'undisturbed')
    expect(logOf(before)).toBe('undisturbed\r\n')
  })
})

describe('C1: only what the control domain wrote is believed', () => {
  const base = (domid: Domid) => `/local/domain/${domid}/console`

  test('`limit` counts if the guest can only read it, and never beyond 64 MiB', async () => {
    const { build, daemon } = await host()
    const small = await build({ limit: 4096 })
    const huge = await build({ limit: '999999999999999' })
    await settle()
    expect(daemon.get(small.domid)?.log.limitBytes).toBe(4096)
    expect(daemon.get(huge.domid)?.log.limitBytes).toBe(64 << 20)
  })

  test('`limit` that the guest owns, or may write, is as good as none', async () => {
    const { build, daemon, store } = await host()
    const owned = await build({ port: '' })
    await store.writeAs(owned.domid, `${base(owned.domid)}/limit`, '123')
    await store.write(`${base(owned.domid)}/port`, String(owned.console.port))
    const writable = await build({ port: '', limit: 456 })
    await store.setPermissions(`${base(writable.domid)}/limit`, [
      { domid: 0 as Domid, kind: 'none' },
      { domid: writable.domid, kind: 'both' },
    ])
    await store.write(`${base(writable.domid)}/port`, String(writable.console.port))
    const open = await build({ port: '', limit: 789 })
    await store.setPermissions(`${base(open.domid)}/limit`, [{ domid: 0 as Domid, kind: 'write' }])
    await store.write(`${base(open.domid)}/port`, String(open.console.port))
    await settle()
    for (const { domid } of [owned, writable, open]) expect(daemon.get(domid)?.log.limitBytes).toBe(1 << 20)
  })

  test('`port` that the guest owns connects nothing; `tty` and `output` are not even looked at', async () => {
    const { build, daemon, store } = await host()
    const guest = await build()
    await settle()
    const console = daemon.get(guest.domid)
    await store.rm(`${base(guest.domid)}/port`)
    await store.writeAs(guest.domid, `${base(guest.domid)}/port`, '9')
    for (const key of ['tty', 'output']) await store.writeAs(guest.domid, `${base(guest.domid)}/${key}`, '/etc/passwd')
    await settle()
    expect(daemon.get(guest.domid)).toBe(console)
  })
})

test('S3: a domid that was taken over unseen gets a console of its own, and inherits no log', async () => {
  const { machine, daemon, store, build, say, logOf, keys } = await host()
  const first = await build()
  await settle()
  await say(first, 'my secret')
  const console = daemon.get(first.domid)
  // XenStore shows only that the same keys were written again.
  machine.calls.domains.kill(first.domid)
  first.revoke()
  machine.calls.domains.reap(first.domid)
  console?.close()
  const second = machine.attach(machine.buildGuest().domid)
  await keys(second.domid, { port: second.console.port, 'ring-ref': 1 })
  await store.introduce(second.domid)
  await settle()
  await say(second, 'hello')
  expect(logOf(second)).toBe('hello\r\n')
})

test('XenStore that fails makes the daemon blind, and it says so', async () => {
  const { faults, store, build, say, before, logOf } = await host()
  store.isDomainIntroduced = () => Promise.reject(new XenError('CLOSED', 'the daemon is gone'))
  await build()
  await settle()
  expect(new Set(faults.map(String))).toEqual(new Set([',CLOSED']))
  await say(before, 'still served')
  expect(logOf(before)).toBe('still served\r\n')
})
