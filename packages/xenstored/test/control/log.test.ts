import { packStrings } from '@split-driver/xenbus'
import { describe, expect, test } from 'vitest'
import { controlWorld as world } from '../support/control-world.js'
import { MemoryConsole } from '../support/memory-console.js'

describe('CONTROL log, logfile, memreport, print', () => {
  test('a log file takes requests, replies and events, and what comes and goes, until the log is off', async () => {
    const console = new MemoryConsole()
    const { store, control } = world({ console })
    expect(await control('log', 'on')).toBe('OK')
    expect(console.open).toEqual([])
    expect(await control('logfile', 'trace')).toBe('OK')
    const guest = store.connect(5)
    await guest.watch('@releaseDomain', 'to\u001b[1m\nken')
    await guest.ask(77, packStrings('x'))
    await guest.events()
    expect(await control('log', 'off')).toBe('OK')
    await guest.read('/silent')
    const time = '20260102 03:04:05'
    expect(console.files.get('trace')).toEqual([
      `io: OUT 1 (d0) ${time} CONTROL (OK )`,
      'obj: CREATE connection 2 (d5)',
      `io: IN 2 (d5) ${time} WATCH (@releaseDomain to.[1m.ken )`,
      'obj: CREATE watch 2 (d5)',
      `io: OUT 2 (d5) ${time} WATCH (OK )`,
      `io: OUT 2 (d5) ${time} WATCH_EVENT (@releaseDomain to.[1m.ken )`,
      `io: IN 2 (d5) ${time} **UNKNOWN** 77 (x )`,
      `io: OUT 2 (d5) ${time} ERROR (ENOSYS )`,
      `io: IN 1 (d0) ${time} CONTROL (log off )`,
    ])
    expect(console.open).toEqual([])
    expect(await control('log', 'on')).toBe('OK')
    expect(console.open).toEqual(['trace'])
  })

  test('a trace file is logged to from the beginning, and needs a console', async () => {
    const console = new MemoryConsole()
    const { control } = world({ console, traceFile: 'trace' })
    await control('log', 'off')
    expect(console.files.get('trace')).toEqual([
      'obj: CREATE connection 1 (d0)',
      'io: IN 1 (d0) 20260102 03:04:05 CONTROL (log off )',
    ])
    expect(() => world({ traceFile: 'trace' })).toThrow(TypeError)
  })

  test('switches choose what is logged', async () => {
    const settings = (obj: string, io: string) =>
      `Log switch settings:\nobj     : ${obj}\nio      : ${io}\nwrl     : off\nacc     : off\ntdb     : off\n`
    const console = new MemoryConsole()
    const { store, control } = world({ console })
    expect(await control('log')).toBe(settings('on', 'on'))
    expect(await control('log', '-io')).toBe('OK')
    expect(await control('log')).toBe(settings('on', 'off'))
    await control('logfile', 'trace')
    await store.connect(5).read('/')
    expect(await control('log', '+io')).toBe('OK')
    expect(await control('log', '-obj')).toBe('OK')
    store.connect(6)
    expect(console.files.get('trace')!.filter((line) => line.startsWith('obj'))).toEqual([
      'obj: CREATE connection 2 (d5)',
    ])
    expect(console.files.get('trace')!.some((line) => line.includes('READ'))).toBe(false)
  })

  /** What is logged of `what` alone while `doing`. */
  const logged = async (what: string, doing: (at: ReturnType<typeof world>) => Promise<void>) => {
    const console = new MemoryConsole()
    const at = world({ console })
    for (const text of ['-obj', '-io', `+${what}`]) expect(await at.control('log', text)).toBe('OK')
    await at.dom0.write('/g/x', 'x')
    await at.dom0.setPerms('/g', ['b5'])
    await at.control('logfile', 'trace')
    await doing(at)
    return console.files.get('trace')
  }

  test('wrl: domains that are held because they spoil the control domain’s transactions, and that go on', async () => {
    const lines = await logged('wrl', async ({ store, dom0 }) => {
      const id = await dom0.start()
      await dom0.read('/g', id)
      store.clock.advance(20)
      await store.connect(5).write('/g', '1')
      expect(await dom0.end(id)).toBe('!EAGAIN')
      store.clock.advance(40)
    })
    expect(lines).toEqual(['wrl: domain 5 is held for 40 ms', 'wrl: domain 5 goes on'])
  })

  test('acc: what domains use, before it changes and by how much', async () => {
    const lines = await logged('acc', async ({ store }) => {
      const guest = store.connect(5)
      await guest.write('/g/abc', 'v')
      await guest.start()
    })
    const of5 = lines!.filter((line) => line.startsWith('acc: domain 5 ') && !line.includes('outstanding'))
    const [owned, node] = ['/g'.length + 24 + 8 + 'x'.length + 1, '/g/abc'.length + 24 + 8 + 'v'.length]
    expect(of5).toContain('acc: domain 5 nodes 1 add 1')
    expect(of5).toContain(`acc: domain 5 memory ${owned} add ${node + 'abc'.length + 1}`)
    expect(of5).toContain('acc: domain 5 transactions 0 add 1')
    expect(lines!.filter((line) => line.endsWith('outstanding 1 add -1'))).not.toEqual([])
  })

  test('tdb: nodes that are set and removed, once they are so for everybody; size as the owner is charged', async () => {
    const lines = await logged('tdb', async ({ dom0 }) => {
      await dom0.write('/a/b', 'value')
      await dom0.read('/a/b')
      await dom0.setPerms('/a/b', ['n0', 'r1'])
      const id = await dom0.start()
      await dom0.write('/a/b', '', id)
      await dom0.rm('/g', id)
      await dom0.mkdir('/g', id)
      expect(await dom0.end(id)).toBe('OK')
      await dom0.rm('/a')
      await dom0.end(await dom0.start(), false)
    })
    expect(lines).toEqual([
      'tdb: store /a size 36',
      'tdb: store /a/b size 41',
      'tdb: store /a/b size 49',
      'tdb: delete /g',
      'tdb: store /a/b size 44',
      'tdb: store /g size 34',
      'tdb: delete /a',
    ])
  })

  test('a file that cannot be opened is the error that it is; a log that cannot be written ends', async () => {
    const console = new MemoryConsole()
    const { dom0, control } = world({ console })
    console.failing = 'open'
    expect(await control('logfile', 'trace')).toBe('!EACCES')
    expect(await control('memreport', 'report')).toBe('!EACCES')
    console.failing = undefined
    await control('logfile', 'trace')
    console.failing = 'write'
    expect(await dom0.read('/')).toBe('')
    expect(console.open).toEqual([])
    expect(console.printed).toEqual(['log: ENOSPC: trace'])
  })

  test('memreport goes to the log, or to a file of its own; without either it is EINVAL', async () => {
    const console = new MemoryConsole()
    const { store, dom0, control } = world({ console })
    expect(await control('memreport')).toBe('!EINVAL')
    await store.connect(5).watch('/', 'token')
    await dom0.write('/owned', '')
    await dom0.setPerms('/owned', ['n5'])
    expect(await control('memreport', 'report')).toBe('OK')
    const [report] = console.files.get('report')!
    expect(report).toMatch(/^2 domains, 2 connections, \d+ bytes\n {8}domain {9}nodes/)
    expect(report).toMatch(/^ {13}5 {13}1 {13}1 {13}0 {13}0 {12}44$/m)
    await control('logfile', 'trace')
    await control('log', 'off')
    expect(await control('memreport')).toBe('OK')
    expect(console.files.get('trace')!.at(-1)).toMatch(/^2 domains/)
    expect(console.open).toEqual([])
  })

  test('print goes to whoever runs the server', async () => {
    const console = new MemoryConsole()
    expect(await world({ console }).control('print', 'hello there')).toBe('OK')
    expect(console.printed).toEqual(['control: hello there'])
  })
})
