import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Domid, FrameNumber, Port } from '@split-driver/abi'
import { encodeMessage, packStrings, XenStoreOp } from '@split-driver/xenbus'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { RunningCommand, splitDriver } from '../support/command.js'
import { RunningStore } from '../support/running-store.js'
import { ScratchFolder } from '../support/scratch-folder.js'
import { hasOriginals, originalTool } from '../support/store-tools.js'

let folder: ScratchFolder
beforeEach(() => {
  folder = new ScratchFolder()
})
afterEach(() => folder[Symbol.dispose]())

describe('split-driver xenstored', () => {
  test('serves the socket that XENSTORED_RUNDIR says, for its owner alone, to our own commands', async () => {
    using store = await RunningStore.start(folder)
    expect(statSync(store.socket).mode & 0o7777).toBe(0o600)
    const xenstore = async (...args: string[]) => {
      using command = RunningCommand.withEnvironment({ XENSTORED_PATH: store.socket }, ['xenstore', ...args])
      return await command.ended()
    }
    expect(await xenstore('write', '/a/b', 'one')).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(await xenstore('ls', '-f')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\/a\/b = "one"$/m) })
    expect(await xenstore('read', '/c')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'split-driver: ENOENT: read /c: there is no such node\n',
    })
    expect(await splitDriver('xenstore', 'read', '--xenstored', store.socket, '/a/b')).toMatchObject({
      stdout: 'one\n',
    })
    expect(await splitDriver('xenstore', 'exists', '--xenstored', folder.file('none'), '/a')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^split-driver: ENOENT: no XenStore at .*none: nobody answers there \(ENOENT\): is .*\n$/,
      ),
    })
  })

  test.skipIf(!hasOriginals)("serves Xen's own tools, where they are installed", async () => {
    using store = await RunningStore.start(folder)
    expect(await originalTool(store.socket, ['write', '/a', 'one', '/a/b', 'two'])).toEqual({ code: 0, stdout: '' })
    expect(await originalTool(store.socket, ['ls', '-p', '/'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^a = "one" [. ]+ {2}\(n0\)\n b = "two" /m),
    })
    using watch = RunningCommand.bin(['xenstore', 'watch', '-n', '3', '--xenstored', store.socket, '/a'])
    await watch.said('stdout', /^\/a$/m)
    const theirs = originalTool(store.socket, ['watch', '-n', '1', '/a'])
    expect(await theirs).toEqual({ code: 0, stdout: '/a\n' })
    expect((await originalTool(store.socket, ['rm', '-t', '/a/b'])).code).toBe(0)
    expect((await originalTool(store.socket, ['write', '/a/c', '1'])).code).toBe(0)
    expect(await watch.ended()).toMatchObject({ code: 0, stdout: '/a\n/a/b\n/a/c\n' })
  })

  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s: what was asked is answered, all is closed, exit code 0',
    async (signal) => {
      using store = await RunningStore.start(folder, '--pid-file', folder.file('pid'))
      expect(readFileSync(folder.file('pid'), 'utf8')).toBe(`${store.pid}\n`)
      const client = await store.client()
      const writes = Array.from({ length: 100 }, (_, i) => client.write(`/n/${i}`, String(i)))
      // They lie in the socket when the signal comes.
      await new Promise<void>((resolve) => process.nextTick(resolve))
      const { code, stderr } = await store.stop(signal)
      expect(code).toBe(0)
      await Promise.all(writes)
      await expect(client.read('/n')).rejects.toMatchObject({ code: 'CLOSED' })
      expect(stderr).toMatch(new RegExp(`stopping event=stop signal=${signal}\\n.*stopped event=stopped\\n$`))
      for (const name of ['socket', 'pid']) expect(existsSync(folder.file(name)), name).toBe(false)
    },
  )

  test('a second daemon at one of the sockets is refused, and takes none', async () => {
    using store = await RunningStore.start(folder)
    const other = folder.file('other')
    const { code, stdout, stderr } = await splitDriver('xenstored', '--socket', other, '--socket', store.socket)
    expect(stderr).toMatch(`EBUSY: another XenStore daemon serves ${store.socket}: stop it, or choose another socket\n`)
    expect([code, stdout]).toEqual([1, ''])
    expect(existsSync(other)).toBe(false)
    await using client = await store.client()
    await client.write('/still', 'there')
  })

  test('the socket of a daemon that was killed is replaced', async () => {
    {
      using store = await RunningStore.start(folder)
      await store.stop('SIGKILL')
      expect(existsSync(store.socket)).toBe(true)
    }
    using store = await RunningStore.start(folder)
    await using client = await store.client()
    expect(await client.directory('/')).toContain('tool')
  })

  test('several sockets lead to one store', async () => {
    using _store = await RunningStore.start(folder, '--socket', folder.file('a'), '--socket', folder.file('deep/b'))
    const xenstore = (name: string, ...args: string[]) =>
      splitDriver('xenstore', ...args, '--xenstored', folder.file(name))
    await xenstore('a', 'write', '/x', '1')
    expect((await xenstore('deep/b', 'read', '/x')).stdout).toBe('1\n')
    expect(existsSync(folder.file('socket'))).toBe(false)
  })

  test('--trace-file: requests and replies are logged, until xenstore control says off', async () => {
    const trace = folder.file('trace')
    using store = await RunningStore.start(folder, '--trace-file', trace)
    await using client = await store.client()
    await client.write('/traced', 'one')
    expect(await splitDriver('xenstore', 'control', '--xenstored', store.socket, 'log', 'off')).toMatchObject({
      code: 0,
    })
    await client.write('/silent', 'two')
    const lines = readFileSync(trace, 'utf8')
    expect(lines).toMatch(/^io: IN \d+ \(d0\) \d{8} \d\d:\d\d:\d\d WRITE \(\/traced one\)$/m)
    expect(lines).not.toContain('/silent')
  })

  test('SIGHUP: the log goes on in a new file, whoever moved the old one away', async () => {
    const log = folder.file('log')
    using store = await RunningStore.start(folder, '--log', log, '--json')
    expect(store.command.stderr).toBe('')
    renameSync(log, `${log}.1`)
    store.command.child.kill('SIGHUP')
    await expect.poll(() => existsSync(log)).toBe(true)
    expect((await store.stop('SIGTERM')).code).toBe(0)
    const events = (file: string) =>
      readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { event: string }).event)
    expect(events(log).slice(-2)).toEqual(['stop', 'stopped'])
    expect([...events(`${log}.1`), ...events(log)]).toEqual(['listen', 'machine', 'ready', 'stop', 'stopped'])
  })

  test.each([[], ['--persist-sync']])(
    '--persist %j: what was acknowledged is there again after a kill -9',
    async (...more) => {
      const persist = ['--persist', folder.file('state'), ...more]
      {
        using store = await RunningStore.start(folder, ...persist)
        await using client = await store.client()
        for (let i = 0; i < 50; i++) await client.write(`/n/${i}`, String(i))
        await client.rm('/n/7')
        await store.stop('SIGKILL')
      }
      using store = await RunningStore.start(folder, ...persist)
      await using client = await store.client()
      expect(await client.directory('/n')).toHaveLength(49)
      expect(await client.read('/n/49')).toBe('49')
      const { code, stderr } = await splitDriver('xenstored', '--socket', folder.file('other'), ...persist)
      expect(stderr).toMatch(
        `EBUSY: another XenStore daemon keeps its state in ${folder.file('state')}: choose another`,
      )
      expect([code, existsSync(folder.file('other'))]).toEqual([1, false])
      expect((await store.stop('SIGTERM')).code).toBe(0)
    },
  )

  test('--quota-…: what domains that are new begin with; xenstore control changes it', async () => {
    using store = await RunningStore.start(folder, '--quota-nodes', '7', '--quota-soft-memory', '0')
    await using client = await store.client()
    expect(await client.getQuota('nodes')).toBe(7)
    expect(await client.getQuota('soft-memory')).toBe(0)
    expect(await client.getQuota('watches')).toBe(128)
    const control = (...words: string[]) => splitDriver('xenstore', 'control', '--xenstored', store.socket, ...words)
    expect(await control('quota', 'set', 'watches', '9')).toEqual({ code: 0, stdout: 'OK\n', stderr: '' })
    expect(await client.getQuota('watches')).toBe(9)
    expect(await control('print', 'words for the log')).toMatchObject({ code: 0 })
    await store.command.said('stderr', /info {2}control: words for the log event=console\n/)
  })

  test.each([
    ['Node', process.execPath],
    ['the command itself', join(import.meta.dirname, '../../bin/split-driver.mjs')],
  ])('live update into %s: clients, watches, sockets and the process id stay', async (_what, program) => {
    const other = folder.file('other')
    using store = await RunningStore.start(folder, '--socket', folder.file('socket'), '--socket', other)
    await using client = await store.client()
    await client.write('/a', 'before')
    await using watch = await client.watch('/a')
    const events = watch[Symbol.asyncIterator]()
    expect(await events.next()).toMatchObject({ value: '/a' })
    const update = ['xenstore', 'control', '--xenstored', other, 'live-update', '-t', '10', program]
    expect(await splitDriver(...update)).toEqual({ code: 0, stdout: '', stderr: '' })
    await store.command.said('stdout', /^ready\nready$/m)
    await client.write('/a', 'after')
    expect(await events.next()).toMatchObject({ value: '/a' })
    for (const path of [store.socket, other])
      expect(await splitDriver('xenstore', 'read', '--xenstored', path, '/a')).toMatchObject({ stdout: 'after\n' })
    expect(store.command.stderr).toMatch(/event=resume[\s\S]*event=resume/)
    expect(await splitDriver(...update)).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(await client.read('/a')).toBe('after')
    expect((await store.stop('SIGTERM')).code).toBe(0)
    for (const name of ['socket', 'other', 'state_dump']) expect(existsSync(folder.file(name)), name).toBe(false)
  })

  test('a live update into what is no program is refused, and changes nothing', async () => {
    using store = await RunningStore.start(folder)
    await using client = await store.client()
    await client.write('/a', '1')
    writeFileSync(folder.file('text'), 'words')
    const update = (program: string) =>
      splitDriver('xenstore', 'control', '--xenstored', store.socket, 'live-update', program)
    const refused = await update(folder.file('text'))
    expect(refused).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringMatching(/^split-driver: live-update: .*text/),
    })
    expect((await update(folder.file('none'))).code).toBe(3)
    expect(await client.read('/a')).toBe('1')
  })

  test('clients that vanish in the middle of what they do leave nothing, and disturb nobody', async () => {
    using store = await RunningStore.start(folder)
    await using client = await store.client()
    const start = encodeMessage({ type: XenStoreOp.TransactionStart, reqId: 1, txId: 0, body: packStrings('') })
    const watch = encodeMessage({ type: XenStoreOp.Watch, reqId: 2, txId: 0, body: packStrings('/w', 't') })
    const tooLong = new Uint8Array(16).fill(0xff)
    for (const bytes of [start, watch, watch.subarray(0, 5), watch.subarray(0, 18), tooLong]) {
      const socket = connect(store.socket)
      await new Promise((resolve) => socket.once('connect', resolve))
      await new Promise((resolve) => socket.write(bytes, resolve))
      socket.on('error', () => undefined).destroy()
      await client.write('/w', 'x')
    }
    expect(await client.read('/w')).toBe('x')
    expect((await store.stop('SIGTERM')).code).toBe(0)
  })

  test('where there are no domains, none can be introduced', async () => {
    using store = await RunningStore.start(folder)
    await using client = await store.client()
    await expect(client.introduce(1 as Domid, 2 as FrameNumber, 3 as Port)).rejects.toMatchObject({ code: 'EINVAL' })
    expect(await client.isDomainIntroduced(1 as Domid)).toBe(false)
  })

  test.each([
    [['--quota-nodes', 'many'], 2, /'--quota-nodes <n>' argument 'many' is invalid. Expected a whole number; 0 is/],
    [['--quota-memory', '4294967296'], 2, /'4294967296' is invalid/],
    [['--quota-horses', '3'], 2, /unknown option '--quota-horses'/],
    [['--log-level', 'loud'], 2, /Allowed choices are debug, info, warn, error/],
    [['operand'], 2, /too many arguments/],
    [
      ['--socket', 'FOLDER/file/socket'],
      1,
      /EINVAL: cannot listen at .*file\/socket: .*choose another place with --socket\n/,
    ],
    [['--socket', 'FOLDER/file'], 1, /EEXIST: .*file is there and is no socket: choose another/],
    [['--socket', `FOLDER/${'x'.repeat(100)}`], 1, /EINVAL: .* is longer than the 107 bytes of a socket's path/],
    [['--log', 'FOLDER/none/log'], 1, /EACCES: cannot append to the log file .*none\/log: ENOENT/],
    [['--persist', 'FOLDER/file'], 1, /EACCES: cannot keep the store in .*file: /],
    [['--pid-file', 'FOLDER/none/pid'], 1, /EACCES: cannot write the process id to .*none\/pid: ENOENT/],
  ])('%j: one line that says what is wrong, nothing is left', async (args, expected, message) => {
    writeFileSync(folder.file('file'), '')
    const real = args.map((arg) => arg.replace('FOLDER', folder.path))
    using command = RunningCommand.withEnvironment({ XENSTORED_RUNDIR: folder.path }, ['xenstored', ...real])
    const { code, stdout, stderr } = await command.ended()
    expect(stderr).toMatch(message)
    expect([code, stdout]).toEqual([expected, ''])
    expect(existsSync(folder.file('socket'))).toBe(false)
    expect(readFileSync(folder.file('file'), 'utf8')).toBe('')
  })

  test.skipIf(existsSync('/sys/hypervisor/type'))('--host where there is no Xen says so', async () => {
    const { code, stderr } = await splitDriver('xenstored', '--host', '--socket', folder.file('s'))
    expect(stderr).toMatch(/^split-driver: ENODEV: .*does not run on Xen.*\n$/)
    expect(code).toBe(1)
  })
})
