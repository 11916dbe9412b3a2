import { DOM0, type Domid, FlatMemory, PAGE_BYTES } from '@split-driver/abi'
import { type EmulatedPlatform, Machine } from '@split-driver/emulator'
import { PrivcmdPlatform, SystemCallError } from '@split-driver/privcmd'
import { channelPair, XenStoreClient } from '@split-driver/xenbus'
import { XenstoreServer } from '@split-driver/xenstored'
import { describe, expect, test } from 'vitest'
import { StoreRing } from '../src/store-ring.js'
import { EmulatedNodes } from './support/emulated-nodes.js'
import { HostFiles } from './support/host-files.js'
import { ScriptedCalls } from './support/scripted-calls.js'

const text = (digits: string): Uint8Array => new TextEncoder().encode(digits)

describe('the ring by which dom0 waits for its XenStore daemon', () => {
  test('xsd_port is read as text, xsd_kva mapped for writing from its beginning, and neither stays open', () => {
    const calls = new ScriptedCalls()
    calls.reads.push(text('41'))
    const ring = StoreRing.open(calls, new HostFiles().paths)
    expect(ring.port).toBe(41)
    expect(ring.page.byteLength).toBe(4096)
    expect(calls.take().filter((line) => !line.startsWith('open'))).toEqual(['close', 'mmap 0 4096 writable', 'close'])
    ring[Symbol.dispose]()
    ring[Symbol.dispose]()
    expect(calls.take()).toEqual(['munmap 4096'])
  })

  test.each(['', '0', 'none', '-1', '12345678901'])('"%s" is no port: EIO, and nothing is left', (digits) => {
    const calls = new ScriptedCalls()
    calls.reads.push(text(digits))
    expect(() => StoreRing.open(calls, new HostFiles().paths)).toThrow(expect.objectContaining({ code: 'EIO' }))
    expect([calls.openFds.size, calls.mapped.size]).toEqual([0, 0])
  })

  test('a page that cannot be mapped: the kernel’s reason, and nothing is left open', () => {
    const calls = new ScriptedCalls()
    calls.reads.push(text('41'))
    calls.mapFailure = new SystemCallError('mmap', 'EPERM')
    expect(() => StoreRing.open(calls, new HostFiles().paths)).toThrow(expect.objectContaining({ code: 'EPERM' }))
    expect(calls.openFds.size).toBe(0)
  })

  test.each([
    ['EACCES', 'EACCES', /run as root/],
    ['ENOENT', 'ENOENT', /mount xenfs.*only dom0/],
  ] as const)('a file that is %s says what to do', (errno, code, advice) => {
    using files = new HostFiles().onXen()
    const calls = new ScriptedCalls()
    calls.open = () => {
      throw new SystemCallError('open', errno)
    }
    expect(() => StoreRing.open(calls, files.paths)).toThrow(expect.objectContaining({ code }))
    expect(() => StoreRing.open(calls, files.paths)).toThrow(advice)
  })

  test('a machine without Xen is called that', () => {
    using files = new HostFiles()
    const calls = new ScriptedCalls()
    calls.open = () => {
      throw new SystemCallError('open', 'ENOENT')
    }
    expect(() => StoreRing.open(calls, files.paths)).toThrow(expect.objectContaining({ code: 'ENODEV' }))
  })
})

/** A machine whose dom0 has no XenStore yet, and the nodes that its kernel shows to the process that is to be it. */
const bareMachine = () => {
  const machine = Machine.create({ mode: 'inline', memoryMiB: 64, maxDomains: 8 })
  const kernel = machine.attach(machine.buildControlDomain().domid)
  const { store } = kernel.start
  const nodes = new EmulatedNodes({
    platform: kernel,
    connectStore: () => expect.unreachable('there is no XenStore to connect to'),
    storeRing: { page: new FlatMemory(machine.memory.buffer, store.frame * PAGE_BYTES, PAGE_BYTES), port: store.port },
  })
  return { machine, kernel, nodes }
}

describe('a platform that is opened without XenStore, for the daemon that is to be it', () => {
  test('is domain 0 unless told, asks nobody, and has no client', async () => {
    const calls = new ScriptedCalls()
    await using platform = await PrivcmdPlatform.open({ systemCalls: calls, xenstore: 'none' })
    expect(platform.domid).toBe(DOM0)
    expect(calls.log).toEqual([])
    expect(() => platform.xenstore).toThrow(expect.objectContaining({ code: 'ENODEV' }))
    await using other = await PrivcmdPlatform.open({ systemCalls: calls, xenstore: 'none', domid: 3 as Domid })
    expect(other.domid).toBe(3)
  })

  test('the daemon over it serves dom0’s kernel and guests, and hears from Xen of their ends', async () => {
    const { machine, kernel, nodes } = bareMachine()
    const waiting = kernel.xenstore.directory('/')
    const platform = await PrivcmdPlatform.open({ systemCalls: nodes, xenstore: 'none' })
    const { storeRing, domainStates } = platform
    const server = new XenstoreServer(platform, { controlRing: storeRing, domainStates })
    expect(await waiting, 'asked before there was a daemon').toEqual(['tool'])
    expect(platform.holdings().map(({ what }) => what)).toContain('the XenStore ring of dom0')
    await guestLivesAndDies({ machine, kernel, server, platform })
    server[Symbol.dispose]()
    await platform[Symbol.asyncDispose]()
    expect(nodes.ledger()).toEqual([])
  })
})

interface Running {
  readonly machine: Machine
  readonly kernel: EmulatedPlatform
  readonly server: XenstoreServer
  readonly platform: PrivcmdPlatform
}

const guestLivesAndDies = async ({ machine, kernel, server, platform }: Running): Promise<void> => {
  const [theirs, ours] = channelPair()
  server.accept(theirs, { domid: DOM0, privileged: true })
  const store = new XenStoreClient(ours)
  const { domid, start } = machine.buildGuest()
  await store.mkdir(`/local/domain/${domid}`)
  await store.setPermissions(`/local/domain/${domid}`, [{ domid, kind: 'none' }])
  await store.introduce(domid, start.store.frame, start.store.port)
  const guest = machine.attach(domid)
  await guest.xenstore.write('data', 'x')
  expect(await kernel.xenstore.read(`/local/domain/${domid}/data`)).toBe('x')
  expect(platform.domainStates.stateOf(domid)).toBe('running')
  const watch = await kernel.xenstore.watch('@releaseDomain')
  const ends = watch[Symbol.asyncIterator]()
  await ends.next()
  machine.calls.domains.kill(domid)
  guest.revoke()
  machine.calls.domains.reap(domid)
  await ends.next()
  expect(platform.domainStates.stateOf(domid)).toBeUndefined()
  expect(await kernel.xenstore.directory('/local/domain')).toEqual([])
  await watch.close()
  store.close()
}
