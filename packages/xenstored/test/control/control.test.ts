import { packStrings, XenStoreOp } from '@split-driver/xenbus'
import type { ControlCommand } from '@split-driver/xenstored'
import { describe, expect, test } from 'vitest'
import { controlWorld as world } from '../support/control-world.js'
import { MemoryConsole } from '../support/memory-console.js'

describe('CONTROL', () => {
  test('help names every command, in columns', async () => {
    const { control } = world({ console: new MemoryConsole() })
    expect(await control('help')).toBe(
      [
        'check           \n',
        'log             [on|off|+<switch>|-<switch>]\n',
        'logfile         <file>\n',
        'memreport       [<file>]\n',
        'print           <string>\n',
        'quota           [set <name> <val>|<domid>|max [-r]]\n',
        'quota-soft      [set <name> <val>]\n',
        'help            \n',
      ].join(''),
    )
  })

  test('a server without a console has no command that writes', async () => {
    const { control } = world()
    expect((await control('help')).match(/^\S+/gm)).toEqual(['check', 'quota', 'quota-soft', 'help'])
    for (const command of ['log', 'logfile', 'memreport', 'print']) expect(await control(command)).toBe('!EINVAL')
  })

  test('what is no command, or takes no such parameters, is EINVAL; guests may not ask', async () => {
    const { store, dom0, control } = world({ console: new MemoryConsole() })
    for (const texts of [
      ['none'],
      [''],
      ['help', 'x'],
      ['check', 'x'],
      ['log', 'maybe'],
      ['log', '+none'],
      ['log', '=io'],
      ['log', 'on', 'on'],
      ['logfile'],
      ['logfile', 'a', 'b'],
      ['memreport', 'a', 'b'],
      ['print'],
      ['print', 'a', 'b'],
      ['quota', 'x'],
      ['quota', '1', '2'],
      ['quota', 'max', 'x'],
      ['quota-soft', 'max'],
    ])
      expect(await control(...texts), texts.join(' ')).toBe('!EINVAL')
    expect(await dom0.ask(XenStoreOp.Control, new TextEncoder().encode('help'))).toBe('!EINVAL')
    expect(await store.connect(1).ask(XenStoreOp.Control, packStrings('help'))).toBe('!EACCES')
  })

  test('whoever runs the server adds commands, which may answer later', async () => {
    const waiting: ((text: string) => void)[] = []
    const later: ControlCommand = {
      name: 'later',
      usage: '<what>',
      run: ({ parameters, rest, respond }) => {
        waiting.push(() => respond(`${parameters.join('+')} ${rest.length}`))
        return undefined
      },
    }
    const { control } = world({ commands: [later] })
    expect(await control('help')).toContain('later           <what>\n')
    const answer = control('later', 'a', '', 'b')
    expect(await control('check')).toBe('OK')
    waiting[0]!('')
    expect(await answer).toBe('a++b 5')
  })
})

describe('CONTROL quota', () => {
  test('shows what holds, hard and soft', async () => {
    const { control } = world()
    const shown = await control('quota')
    expect(shown).toMatch(/^Quota settings:\nnodes {12}: {5}1000 .+\nwatches {10}: {6}128 .+\n/)
    expect(shown).toMatch(/^memory {11}: {2}2621440 /m)
    expect(shown).not.toMatch(/soft/)
    expect(await control('quota-soft')).toMatch(/^Quota settings:\nmemory {11}: {2}2097152 .+\n$/)
  })

  test('set holds at once, for domains that are there and for those to come', async () => {
    const { store, dom0, control } = world()
    const guest = store.connect(1)
    await dom0.mkdir('/g')
    await dom0.setPerms('/g', ['n1'])
    expect(await control('quota', 'set', 'nodes', '2')).toBe('OK')
    expect(await guest.mkdir('/g/1')).toBe('OK')
    expect(await guest.mkdir('/g/2')).toBe('!ENOSPC')
    expect(await control('quota-soft', 'set', 'memory', '77')).toBe('OK')
    expect(await dom0.ask(XenStoreOp.GetQuota, packStrings('9', 'soft-memory'))).toBe('77')
    expect(await dom0.ask(XenStoreOp.GetQuota, packStrings('1', 'nodes'))).toBe('2')
    for (const texts of [
      ['nodes'],
      ['nodes', '0'],
      ['nodes', '-1'],
      ['none', '1'],
      ['soft-memory', '1'],
      ['nodes', '1', '1'],
    ])
      expect(await control('quota', 'set', ...texts)).toBe('!EINVAL')
    for (const texts of [
      ['nodes', '1'],
      ['memory', '0'],
    ])
      expect(await control('quota-soft', 'set', ...texts)).toBe('!EINVAL')
  })

  test('a domain’s number shows what it uses and the most that it used; one that is unknown is ENOENT', async () => {
    const { store, dom0, control } = world()
    const guest = store.connect(1)
    await dom0.mkdir('/g')
    await dom0.setPerms('/g', ['n1'])
    for (const name of ['a', 'b', 'c']) await guest.mkdir(`/g/${name}`)
    for (const name of ['a', 'b']) await guest.rm(`/g/${name}`)
    await guest.watch('/g', 't')
    const shown = await control('quota', '1')
    expect(shown).toMatch(/^Domain 1:\nnodes {12}: {8}2 \(max {8}4\)\nwatches {10}: {8}1 \(max {8}1\)\n/)
    expect(shown).toMatch(/^node-size {8}: {8}0 \(max {7}\d\d\)$/m)
    expect(await control('quota', '2')).toBe('!ENOENT')
  })

  test('max shows the most that any guest used, until -r', async () => {
    const { store, dom0, control } = world()
    await dom0.mkdir('/g')
    await dom0.setPerms('/g', ['n1'])
    const guest = store.connect(1)
    await guest.mkdir('/g/a/b')
    await guest.rm('/g/a')
    expect(await control('quota', 'max')).toMatch(/^Max\. seen accounting values:\nnodes {12}: {8}3\n/)
    expect(await control('quota', 'max', '-r')).toMatch(/^nodes {12}: {8}1$/m)
    await dom0.mkdir('/more/and/more/of/dom0')
    expect(await control('quota', 'max')).toMatch(/^nodes {12}: {8}1$/m)
  })
})
