import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EmulatedHost } from '@split-driver/emulator'
import { XenstoreServer } from '@split-driver/xenstored'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ControlClient } from '../../src/control/control-client.js'
import { MachineDaemon } from '../../src/machine/machine-daemon.js'
import { readDomainConfig } from '../../src/xl-config/read-domain-config.js'
import { LogList } from '../support/log-list.js'
import { ScratchFolder } from '../support/scratch-folder.js'

const GUEST = join(import.meta.dirname, '..', 'programs', 'shell-guest.mjs')

/** A machine in this process, with its guests in worker threads, and a client. */
class Bench implements AsyncDisposable {
  readonly folder = new ScratchFolder()
  readonly log = new LogList()
  host!: EmulatedHost
  daemon!: MachineDaemon
  client!: ControlClient

  async open(): Promise<this> {
    let xenstored: XenstoreServer | undefined
    this.host = await EmulatedHost.boot({
      mode: 'threads',
      memoryMiB: 128,
      xenstored: (dom0) => {
        xenstored = new XenstoreServer(dom0)
        return xenstored
      },
    })
    const places = {
      socketPath: this.socket,
      logFolder: this.folder.file('logs'),
      dumpFolder: this.folder.file('dumps'),
    }
    this.daemon = await MachineDaemon.open({ host: this.host, xenstored: xenstored! }, { ...places, log: this.log })
    this.client = await ControlClient.connect(this.socket)
    return this
  }

  get socket(): string {
    return this.folder.file('m.sock')
  }

  image(name: string): string {
    const path = this.folder.file(name)
    if (!existsSync(path)) writeFileSync(path, new Uint8Array(1 << 16))
    return path
  }

  async create(text: string, paused = false): Promise<number> {
    const { config } = readDomainConfig(this.folder.file('x.cfg'), `kernel='${GUEST}'; memory=4; ${text}`)
    return (await this.client.request('create', { config, paused })).domid
  }

  /** What the domain has said, when it has said `text`. */
  async said(domid: number, text: string): Promise<string> {
    const file = this.folder.file(`logs/domain-${domid}.log`)
    return until(() => {
      const log = existsSync(file) ? readFileSync(file, 'utf8') : ''
      return log.includes(text) ? log : undefined
    }, `domain ${domid} says ${text}`)
  }

  async states(): Promise<Record<string, string>> {
    const lines = await this.client.request('list', {})
    return Object.fromEntries(lines.map(({ name, state }) => [name, state]))
  }

  /** Until the list of names is this. */
  async names(...expected: string[]): Promise<void> {
    await until(
      async () => {
        const names = (await this.client.request('list', {})).map(({ name }) => name)
        return names.join() === ['Domain-0', ...expected].join() ? true : undefined
      },
      `there are ${expected.join(', ')}`,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]()
    await this.daemon.close()
    expect(this.host.machine.ledger().map(({ what }) => what)).toEqual([])
    await this.host[Symbol.asyncDispose]()
    this.folder[Symbol.dispose]()
  }
}

const until = async <T>(look: () => T | undefined | Promise<T | undefined>, what: string): Promise<T> => {
  for (let i = 0; i < 1000; i++) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`never: ${what}`)
}

let bench: Bench
beforeEach(async () => {
  bench = await new Bench().open()
})
afterEach(() => bench[Symbol.asyncDispose]())

describe('create', () => {
  test('a domain runs with its console and its disk', async () => {
    const domid = await bench.create(`name='a'; extra='x=1'; disk=['${bench.image('a.img')},,xvda']`)
    expect(await bench.said(domid, 'sectors')).toBe('up, "x=1"\r\nxvda: 128 sectors\r\n')
    expect(readFileSync(bench.image('a.img')).toString('utf8', 0, 12)).toBe(`written by ${domid}`)
    const [disk] = await bench.client.request('block-list', { domain: 'a' })
    expect(disk).toMatchObject({ vdev: 'xvda', mode: 'w', frontendState: 4, backendState: 4 })
  })

  test('a paused one says nothing before it is unpaused', async () => {
    const domid = await bench.create("name='a'", true)
    expect(await bench.states()).toMatchObject({ a: '--p---' })
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(readFileSync(bench.folder.file(`logs/domain-${domid}.log`), 'utf8')).toBe('')
    await bench.client.request('unpause', { domain: 'a' })
    await bench.said(domid, 'up')
  })

  test.each([
    ["name='a'", 'EEXIST', /there is a domain named a/],
    ["name='b'; uuid='00000000-0000-4000-8000-000000000001'", 'EEXIST', /there is a domain with the UUID 0/],
    ["name='b'; disk=['/none/x.img,,xvda']", 'ENOENT', /the disk xvda cannot be had/],
    ["name='b'; disk=['/,,xvda']", 'EINVAL', /neither a file nor a block device/],
    ["name='b'; memory=1000", 'ENOMEM', /./],
  ])('%s is refused, and leaves nothing', async (text, code, message) => {
    await bench.create("name='a'")
    await expect(bench.create(text)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
    await bench.names('a')
    await bench.client.request('destroy', { domain: 'a' })
    await bench.create("name='a'; memory=8")
  })

  test('an image that somebody writes to is nobody else’s; one that all read is everybody’s', async () => {
    const image = bench.image('a.img')
    await bench.create(`name='a'; disk=['${image},,xvda,w']`)
    await expect(bench.create(`name='b'; disk=['${image},,xvda,r']`)).rejects.toMatchObject({ code: 'EBUSY' })
    await bench.client.request('destroy', { domain: 'a' })
    await bench.create(`name='c'; disk=['${image},,xvdb,r']`)
    await bench.create(`name='d'; disk=['${image},,xvdb,r']`)
    await expect(bench.create(`name='e'; disk=['${image},,xvdb,w']`)).rejects.toMatchObject({ code: 'EBUSY' })
    await bench.names('c', 'd')
  })

  test('what fails half-way leaves nothing either', async () => {
    const image = bench.image('a.img')
    const twice = `name='a'; disk=['${image},,xvda', '${image},,xvdb']`
    await expect(bench.create(twice)).rejects.toMatchObject({ code: 'EBUSY' })
    await bench.names()
    await bench.create(`name='a'; disk=['${image},,xvda']`)
  })

  test('a kernel that is no guest is a crash, and the log says why', async () => {
    writeFileSync(bench.folder.file('no.mjs'), 'export const other = 1')
    await bench.create(`name='a'; kernel='${bench.folder.file('no.mjs')}'`)
    await bench.names()
    expect(bench.log.entries).toContainEqual(
      expect.objectContaining({ event: 'shutdown', reason: 'crash', message: expect.stringContaining('"program"') }),
    )
  })
})

describe('the end of a domain', () => {
  test('shutdown waits for the guest, who may say its last words', async () => {
    const domid = await bench.create("name='a'")
    await bench.said(domid, 'up')
    const ask = { request: 'poweroff', acknowledgeMilliseconds: 5000, wait: true } as const
    expect(await bench.client.request('shutdown', { domain: 'a', ...ask })).toEqual({ reason: 'poweroff' })
    expect(await bench.said(domid, 'down')).toContain('up')
    await bench.names()
  })

  test('reboot: a domain of the same configuration, with the same disk, under another number', async () => {
    const first = await bench.create(`name='a'; disk=['${bench.image('a.img')},,xvda']`)
    await bench.said(first, 'sectors')
    const ask = { request: 'reboot', acknowledgeMilliseconds: 5000, wait: true } as const
    await bench.client.request('shutdown', { domain: 'a', ...ask })
    const { domid } = await bench.client.request('find', { domain: 'a' })
    expect(domid).toBe(first + 1)
    await bench.said(domid, 'sectors')
    expect(await bench.client.request('block-list', { domain: 'a' })).toMatchObject([{ vdev: 'xvda' }])
    const lines = await bench.client.request('list', {})
    expect(lines.find(({ name }) => name === 'a')?.config).toMatchObject({ name: 'a', memoryMiB: 4 })
    // It is still nobody else's.
    await expect(bench.create(`name='b'; disk=['${bench.image('a.img')},,xvda']`)).rejects.toMatchObject({
      code: 'EBUSY',
    })
  })

  test('a crash with coredump-destroy leaves the domain’s memory in a file', async () => {
    writeFileSync(bench.folder.file('crash.mjs'), "export const program = () => Promise.reject(new Error('as told'))")
    const domid = await bench.create(
      `name='a'; kernel='${bench.folder.file('crash.mjs')}'; on_crash='coredump-destroy'`,
    )
    await bench.names()
    await until(() => bench.log.of('coredump')[0], 'the dump is written')
    expect(readFileSync(bench.folder.file(`dumps/a-${domid}.core`))).toHaveLength(4 << 20)
  })

  test('preserve keeps what has stopped, until it is destroyed', async () => {
    writeFileSync(bench.folder.file('done.mjs'), 'export const program = async () => {}')
    await bench.create(`name='a'; kernel='${bench.folder.file('done.mjs')}'; on_poweroff='preserve'`)
    await until(async () => ((await bench.states())['a']?.includes('s') ? true : undefined), 'it has stopped')
    const lines = await bench.client.request('list', {})
    expect(lines[1]).toMatchObject({ shutdownReason: 'poweroff', config: { onPoweroff: 'preserve' } })
    await bench.client.request('destroy', { domain: 'a' })
    await bench.names()
  })

  test('the control domain is no guest', async () => {
    await expect(bench.client.request('destroy', { domain: '0' })).rejects.toMatchObject({ code: 'EINVAL' })
    await expect(bench.client.request('pause', { domain: 'Domain-0' })).rejects.toMatchObject({ code: 'EINVAL' })
  })

  test('a domain that there is not is named in the answer', async () => {
    for (const [domain, message] of [
      ['7', 'ESRCH: there is no domain 7'],
      ['x', 'ESRCH: there is no domain called "x"'],
    ] as const)
      await expect(bench.client.request('destroy', { domain })).rejects.toMatchObject({ message })
  })
})

describe('disks of a running domain', () => {
  test('come and go', async () => {
    await bench.create("name='a'")
    const disk = { target: bench.image('b.img'), vdev: 'xvdb', virtualDevice: 51728, mode: 'r', cdrom: false } as const
    await bench.client.request('block-attach', { domain: 'a', disk })
    await expect(bench.client.request('block-attach', { domain: 'a', disk })).rejects.toMatchObject({ code: 'EEXIST' })
    expect(await bench.client.request('block-list', { domain: 'a' })).toMatchObject([{ vdev: 'xvdb', mode: 'r' }])
    await bench.client.request('block-detach', { domain: 'a', device: '51728', force: true })
    expect(await bench.client.request('block-list', { domain: 'a' })).toEqual([])
    await expect(
      bench.client.request('block-detach', { domain: 'a', device: 'xvdb', force: true }),
    ).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

test('the end of the machine: guests are asked to shut down, and all sockets are gone', async () => {
  const domid = await bench.create(`name='a'; on_poweroff='restart'; disk=['${bench.image('a.img')},,xvda']`)
  await bench.create("name='b'", true)
  await bench.said(domid, 'sectors')
  await bench.daemon.close()
  expect(readFileSync(bench.folder.file(`logs/domain-${domid}.log`), 'utf8')).toContain('down')
  expect([existsSync(bench.socket), existsSync(bench.folder.file('m.d'))]).toEqual([false, false])
  expect(bench.host.toolstack.domids).toEqual([])
})

test('what somebody else has put beside the sockets outlives the machine', async () => {
  writeFileSync(bench.folder.file('m.d/mine.txt'), 'mine')
  await bench.daemon.close()
  expect(readFileSync(bench.folder.file('m.d/mine.txt'), 'utf8')).toBe('mine')
})
