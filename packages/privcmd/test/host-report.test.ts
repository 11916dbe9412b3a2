import { createServer, type Socket } from 'node:net'
import { hostPaths, inspectHost, type NodeName, PrivcmdPlatform, SystemCallError } from '@split-driver/privcmd'
import { MessageReader, MessageWriter, packStrings, XenStoreOp } from '@split-driver/xenbus'
import { SocketChannel } from '@split-driver/xenbus/node'
import { describe, expect, it, onTestFinished } from 'vitest'
import { HostFiles } from './support/host-files.js'
import { ScriptedCalls } from './support/scripted-calls.js'
import { storeAtSocket } from './support/store-at-socket.js'

const host = (): HostFiles => {
  const files = new HostFiles()
  onTestFinished(() => files[Symbol.dispose]())
  return files
}

/** Answers each request with the next of `answers`, then hangs up. */
const answerInTurn = (socket: Socket, answers: readonly string[]): void => {
  const channel = new SocketChannel(socket)
  const [reader, writer, left] = [new MessageReader(channel), new MessageWriter(channel), [...answers]]
  channel.onReady(() => {
    for (let request = reader.next(); request !== undefined; request = reader.next()) {
      const answer = left.shift()
      if (answer === undefined) return channel.close()
      const type = answer.startsWith('!') ? XenStoreOp.Error : request.type
      writer.push({ ...request, type, body: packStrings(answer.replace('!', '')) })
      writer.flush()
    }
  })
}

const nodeOf = async (files: HostFiles, name: NodeName) =>
  (await inspectHost(files.paths)).nodes.find((node) => node.name === name)!

describe('the report', () => {
  it('of a host without Xen has one problem, not one for each node', async () => {
    const report = await inspectHost(host().paths)
    expect(report.xen).toBeUndefined()
    expect(report.problems.map(({ code }) => code)).toEqual(['ENODEV'])
    expect(report.linux.node).toBe(process.version)
    expect(report.systemCalls).toEqual({ available: true, problem: undefined })
  })

  it('of a complete control domain has none', async () => {
    const report = await inspectHost(host().complete().paths)
    expect(report.problems).toEqual([])
    expect(report.xen).toEqual({
      guestType: 'PV',
      version: '4.17.5',
      capabilities: ['xen-3.0-x86_64', 'hvm-3.0-x86_64'],
      features: '000228f0',
      controlDomain: true,
    })
    expect(report.limits).toEqual({ gntalloc: 1024, gntdev: 65536 })
    expect(report.xenfs.mounted).toBe(true)
    expect(report.nodes.map(({ module }) => module?.state)).toEqual([
      'loaded',
      'loaded',
      'loaded',
      undefined,
      'built-in',
      'built-in',
    ])
  })

  it.each([
    ['modules.dep', 'kernel/drivers/xen/xen-gntdev.ko.xz: kernel/lib/a.ko', 'not loaded', 'modprobe xen-gntdev'],
    ['modules.dep', 'kernel/drivers/xen/other.ko:', 'missing', "install the kernel's package"],
    ['modules.builtin', 'kernel/drivers/xen/xen-gntdev.ko', 'built-in', 'devtmpfs'],
  ] as const)('a node that is not there: by %s its module is %s', async (list, text, state, advice) => {
    const files = host().onXen().modules('modules.dep', '').modules(list, text)
    const node = await nodeOf(files, 'gntdev')
    expect(node).toMatchObject({ exists: false, module: { name: 'xen-gntdev', state }, problem: { code: 'ENOENT' } })
    expect(node.problem!.advice).toContain(advice)
  })

  it('where no list of modules tells, to load it is worth a try', async () => {
    const node = await nodeOf(host().onXen(), 'gntalloc')
    expect([node.module?.state, node.problem?.advice]).toEqual(['unknown', 'modprobe xen-gntalloc'])
  })

  it('XenStore’s socket is there and a daemon answers, with what it says of domain 0', async () => {
    const files = host().complete().write('run/xenstored/place')
    const { end } = await storeAtSocket(files.paths.xenstoreSocket)
    const told = { exists: true, answers: true, domain0: { path: '/local/domain/0', features: 7 } }
    expect((await inspectHost(files.paths)).xenstore).toMatchObject(told)
    await end()
    files.write('run/xenstored/socket')
    const silent = { exists: true, answers: false, domain0: undefined }
    expect((await inspectHost(files.paths)).xenstore).toMatchObject(silent)
  })

  it.each([
    [
      'a daemon that knows no features',
      ['/local/domain/0', '!ENOSYS'],
      { path: '/local/domain/0', features: undefined },
    ],
    ['a daemon that refuses', ['!EACCES'], undefined],
    ['one that hangs up', [], undefined],
  ])('%s', async (_, answers, domain0) => {
    const files = host().complete().write('run/xenstored/place')
    const server = createServer((socket) => answerInTurn(socket, answers))
    await new Promise<void>((resolve) => server.listen(files.paths.xenstoreSocket, resolve))
    expect((await inspectHost(files.paths)).xenstore).toMatchObject({ answers: domain0 !== undefined, domain0 })
    await new Promise((resolve) => server.close(resolve))
  })

  it('a daemon that takes a connection and says nothing is not waited for', async () => {
    const files = host().complete().write('run/xenstored/place')
    const server = createServer((socket) => socket.on('error', () => {}).resume())
    await new Promise<void>((resolve) => server.listen(files.paths.xenstoreSocket, resolve))
    expect((await inspectHost(files.paths)).xenstore.answers).toBe(false)
    await new Promise((resolve) => server.close(resolve))
  })

  it('without socket and node, XenStore is a problem of its own', async () => {
    const files = host().complete().remove('dev/xen/xenbus')
    const { problems } = await inspectHost(files.paths)
    expect(problems.map(({ advice }) => advice)).toContain('start xenstored, or run as root')
  })

  it('the socket’s place follows libxenstore’s environment', () => {
    const socket = (environment: NodeJS.ProcessEnv) => hostPaths(environment).xenstoreSocket
    expect(socket({})).toBe('/run/xenstored/socket')
    expect(socket({ XENSTORED_RUNDIR: '/a' })).toBe('/a/socket')
    expect(socket({ XENSTORED_RUNDIR: '/a', XENSTORED_PATH: '/b/c' })).toBe('/b/c')
  })
})

/** A kernel that opens nothing but XenStore's node. */
const refusingNodes = (paths: HostFiles['paths'], errno: string): ScriptedCalls => {
  const calls = new ScriptedCalls()
  const open = calls.open.bind(calls)
  calls.open = (path) => {
    if (path === paths.xenbus) return open(path)
    throw new SystemCallError('open', errno, path)
  }
  return calls
}

const openOn = (files: HostFiles, errno: string) =>
  PrivcmdPlatform.open({
    paths: files.paths,
    systemCalls: refusingNodes(files.paths, errno),
    domid: 0 as never,
    xenstore: 'device',
  })

describe('opening says which it is, and what to do', () => {
  it.each([
    ['no Xen host', (files: HostFiles) => files, 'ENOENT', 'ENODEV', /does not run on Xen.*emulated machine/],
    ['a module that is not loaded', (files: HostFiles) => files.onXen(), 'ENOENT', 'ENOENT', /modprobe xen-gntdev/],
    ['no right', (files: HostFiles) => files.complete(), 'EACCES', 'EACCES', /root.*no mode is changed/],
    ['a driver that refuses', (files: HostFiles) => files.complete(), 'ENXIO', 'ENODEV', /ENXIO.*dmesg/],
  ] as const)('%s', async (_, prepare, errno, code, message) => {
    await using platform = await openOn(prepare(host()), errno)
    expect(() => platform.mapper).toThrow(expect.objectContaining({ code }))
    expect(() => platform.mapper).toThrow(message)
  })

  it.each([
    ['on Xen', (files: HostFiles) => files.onXen(), /there is no .*xenbus.*xenstored does not run.*XENSTORED_PATH/],
    ['without Xen, which comes first', (files: HostFiles) => files, /^ENODEV: this kernel does not run on Xen/],
  ] as const)('no XenStore, %s: both ways that were tried', async (_, prepare, message) => {
    const files = prepare(host())
    const calls = new ScriptedCalls()
    calls.open = (path) => {
      throw new SystemCallError('open', 'ENOENT', path)
    }
    await expect(PrivcmdPlatform.open({ paths: files.paths, systemCalls: calls })).rejects.toThrow(message)
  })

  it('a XenStore that knows no domid: the tool that writes it', async () => {
    const files = host().complete()
    const calls = new ScriptedCalls()
    const noEntry = Buffer.from('ENOENT\0')
    calls.write = (_fd, source) => {
      calls.reads.push(
        Buffer.concat([Buffer.from([16, 0, 0, 0]), source.subarray(4, 12), Buffer.from([7, 0, 0, 0]), noEntry]),
      )
      setImmediate(() => calls.readable?.())
      return source.length
    }
    await expect(PrivcmdPlatform.open({ paths: files.paths, systemCalls: calls, xenstore: 'device' })).rejects.toThrow(
      /xen-init-dom0/,
    )
    expect(calls.openFds.size).toBe(0)
  })
})

describe('a platform', () => {
  it('D1: opens a node when it is first asked for, and privcmd only for hypercalls', async () => {
    const files = host().complete()
    const calls = new ScriptedCalls()
    const platform = await PrivcmdPlatform.open({
      paths: files.paths,
      systemCalls: calls,
      domid: 0 as never,
      xenstore: 'device',
    })
    expect(calls.take()).toEqual([`open ${files.paths.xenbus}`])
    expect(platform.mapper).toBe(platform.mapper)
    expect(calls.take()).toEqual([`open ${files.paths.gntdev}`])
    expect(platform.hypercalls).toBeDefined()
    expect(calls.take().slice(0, 2)).toEqual([`open ${files.paths.privcmd}`, `open ${files.paths.hypercall}`])
    await platform[Symbol.asyncDispose]()
    await platform[Symbol.asyncDispose]()
    expect([calls.openFds.size, calls.mapped.size, platform.holdings().length]).toEqual([0, 0, 0])
    expect(() => platform.sharer).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  })
})
