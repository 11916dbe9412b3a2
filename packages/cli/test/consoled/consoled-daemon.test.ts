import { once } from 'node:events'
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import {
  type AttachedConsole,
  attachConsole,
  type ConsoledDaemon,
  domainSocket,
  logFileName,
  runConsoled,
} from '@split-driver/cli'
import { ConsoleFrontend } from '@split-driver/console'
import type { EmulatedPlatform } from '@split-driver/emulator'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EmulatedMachine } from '../support/emulated-machine.js'
import { LogList } from '../support/log-list.js'
import { ScratchFolder } from '../support/scratch-folder.js'

const UNLIMITED = { events: Number.POSITIVE_INFINITY, milliseconds: 1 }

let folder: ScratchFolder
beforeEach(() => {
  folder = new ScratchFolder()
})
afterEach(() => folder[Symbol.dispose]())

const folders = () => ({ logFolder: folder.file('logs'), socketFolder: folder.file('sockets') })
const logOf = ({ domid }: EmulatedPlatform): Buffer => readFileSync(folder.file(`logs/${logFileName(domid)}`))
const terminalOf = (guest: EmulatedPlatform) => new ConsoleFrontend({ ...guest.console, events: guest.events })

const say = async (terminal: ConsoleFrontend, said: string | Uint8Array): Promise<void> => {
  const writer = terminal.writable.getWriter()
  await writer.write(typeof said === 'string' ? bytes(said) : said)
  writer.releaseLock()
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Reads until `length` bytes are there, or the console has ended. */
const read = async (console: AttachedConsole, length: number): Promise<Buffer> => {
  let all = Buffer.alloc(0)
  const output = console.output[Symbol.asyncIterator]()
  while (all.length < length) {
    const next = await output.next()
    if (next.done) break
    all = Buffer.concat([all, next.value])
  }
  return all
}

describe('runConsoled', () => {
  test('writes what each domain says into its own file, byte for byte, 1 MiB and more', async () => {
    await using machine = await EmulatedMachine.boot()
    const log = new LogList()
    await using daemon = await runConsoled(machine.host.dom0, { ...folders(), eventRate: UNLIMITED, log })
    const guests = [await machine.guest(), await machine.guest()]
    const said = guests.map((_, seed) => Buffer.from(new Uint8Array(1 << 20).map((_, i) => i * 31 + (i >>> 8) + seed)))
    await Promise.all(
      guests.map(async (guest, i) => {
        const terminal = terminalOf(guest)
        await say(terminal, said[i]!)
        await terminal.close()
      }),
    )
    await daemon.close()
    for (const [i, guest] of guests.entries()) expect(said[i]!.equals(logOf(guest))).toBe(true)
    expect(log.of('connect').map((entry) => entry['domid'])).toEqual(guests.map(({ domid }) => domid))
    expect(log.of('dropped')).toEqual([])
    expect(statSync(folder.file('logs/domain-1.log')).mode & 0o777).toBe(0o600)
    expect(folder.openFiles()).toEqual([])
  })

  test('appends to the log that is there', async () => {
    await using machine = await EmulatedMachine.boot()
    const guest = await machine.guest()
    const terminal = terminalOf(guest)
    for (const line of ['first\n', 'second\n']) {
      await using _daemon = await runConsoled(machine.host.dom0, folders())
      await say(terminal, line)
    }
    expect(logOf(guest).toString()).toBe('first\nsecond\n')
    await terminal.close()
  })

  test('takes what a domain said last, when the domain is destroyed', async () => {
    await using machine = await EmulatedMachine.boot()
    await using daemon = await runConsoled(machine.host.dom0, folders())
    const { guest, terminal } = await served(machine, daemon)
    await say(terminal, 'panic')
    const gone = once(daemon, 'disconnect')
    await machine.host.toolstack.destroy(guest.domid)
    await gone
    await daemon.close()
    expect(logOf(guest).toString()).toBe('login: panic')
    expect(machine.ledger()).toEqual([])
  })

  test('tells by console/tty where the console is, as libxl demands of a new domain, and takes it back', async () => {
    await using machine = await EmulatedMachine.boot()
    await using daemon = await runConsoled(machine.host.dom0, folders())
    const { guest, terminal } = await served(machine, daemon)
    const tty = `/local/domain/${guest.domid}/console/tty`
    expect(await machine.host.store.tryRead(tty)).toBe(domainSocket(folder.file('sockets'), guest.domid))
    await daemon.close()
    expect(await machine.host.store.tryRead(tty)).toBe('')
    await terminal.close()
  })

  test('a tty that another daemon has written since stays', async () => {
    await using machine = await EmulatedMachine.boot()
    await using daemon = await runConsoled(machine.host.dom0, folders())
    const { guest, terminal } = await served(machine, daemon)
    const tty = `/local/domain/${guest.domid}/console/tty`
    await machine.host.store.write(tty, '/dev/pts/7')
    await daemon.close()
    expect(await machine.host.store.tryRead(tty)).toBe('/dev/pts/7')
    await terminal.close()
  })

  test('a destroyed domain gets no directory back', async () => {
    await using machine = await EmulatedMachine.boot()
    await using daemon = await runConsoled(machine.host.dom0, folders())
    const { guest } = await served(machine, daemon)
    const gone = once(daemon, 'disconnect')
    await machine.host.toolstack.destroy(guest.domid)
    await gone
    await daemon.close()
    expect(await machine.host.store.tryRead(`/local/domain/${guest.domid}`)).toBeUndefined()
  })
})

/** A guest whose console is served, and that has said something. */
const served = async (
  machine: EmulatedMachine,
  daemon: ConsoledDaemon,
): Promise<{ guest: EmulatedPlatform; terminal: ConsoleFrontend }> => {
  const connected = once(daemon, 'connect')
  const guest = await machine.guest()
  await connected
  const terminal = terminalOf(guest)
  await say(terminal, 'login: ')
  return { guest, terminal }
}

const attached = ({ domid }: EmulatedPlatform) => ({ socketFolder: folder.file('sockets'), domid })

describe('who attaches to the socket', () => {
  test('sees what was said, types, and sees the answer; the socket is the owner’s alone', async () => {
    await using machine = await EmulatedMachine.boot()
    await using daemon = await runConsoled(machine.host.dom0, folders())
    const { guest, terminal } = await served(machine, daemon)
    expect(statSync(domainSocket(folder.file('sockets'), guest.domid)).mode & 0o777).toBe(0o600)
    using console = await attachConsole(attached(guest))
    expect((await read(console, 7)).toString()).toBe('login: ')
    await console.type(bytes('root\r'))
    const typed = await terminal.readable.getReader().read()
    expect(Buffer.from(typed.value!).toString()).toBe('root\r')
    await terminal.close()
  })

  test('many read, one types, and the next may when that one has left', async () => {
    await using machine = await EmulatedMachine.boot()
    await using daemon = await runConsoled(machine.host.dom0, folders())
    const { guest, terminal } = await served(machine, daemon)
    const first = await attachConsole(attached(guest))
    using reader = await attachConsole({ ...attached(guest), access: 'read' })
    await expect(attachConsole(attached(guest))).rejects.toMatchObject({
      code: 'EBUSY',
      message: `EBUSY: the console of domain ${guest.domid} has a writer`,
    })
    await say(terminal, 'ready')
    for (const console of [first, reader]) expect((await read(console, 12)).toString()).toBe('login: ready')
    first[Symbol.dispose]()
    let second: AttachedConsole | undefined
    while (second === undefined) second = await attachConsole(attached(guest)).catch(() => undefined)
    second[Symbol.dispose]()
    await terminal.close()
  })

  test('without history sees only what comes from now on', async () => {
    await using machine = await EmulatedMachine.boot()
    await using daemon = await runConsoled(machine.host.dom0, folders())
    const { guest, terminal } = await served(machine, daemon)
    using console = await attachConsole({ ...attached(guest), history: false })
    await say(terminal, 'news')
    expect((await read(console, 4)).toString()).toBe('news')
    await terminal.close()
  })

  test('gets 64 KiB byte for byte through to a guest that reads slowly', async () => {
    await using machine = await EmulatedMachine.boot()
    await using daemon = await runConsoled(machine.host.dom0, { ...folders(), eventRate: UNLIMITED })
    const { guest, terminal } = await served(machine, daemon)
    using console = await attachConsole(attached(guest))
    const typed = Buffer.from(new Uint8Array(65_536).map((_, i) => i * 11 + (i >>> 8)))
    const typing = console.type(typed)
    const reader = terminal.readable.getReader()
    let arrived = Buffer.alloc(0)
    while (arrived.length < typed.length) arrived = Buffer.concat([arrived, (await reader.read()).value!])
    await typing
    expect(typed.equals(arrived)).toBe(true)
    await terminal.close()
  })

  test('may type in one breath with its request', async () => {
    await using machine = await EmulatedMachine.boot()
    await using daemon = await runConsoled(machine.host.dom0, folders())
    const { guest, terminal } = await served(machine, daemon)
    const socket = createConnection(domainSocket(folder.file('sockets'), guest.domid))
    socket.write('{"access":"write"}\nls\r')
    const typed = await terminal.readable.getReader().read()
    expect(Buffer.from(typed.value!).toString()).toBe('ls\r')
    socket.destroy()
    await terminal.close()
  })

  test('sees the end, after all that was said, when the domain is destroyed', async () => {
    await using machine = await EmulatedMachine.boot()
    await using daemon = await runConsoled(machine.host.dom0, folders())
    const { guest, terminal } = await served(machine, daemon)
    using console = await attachConsole(attached(guest))
    await say(terminal, 'bye')
    await machine.host.toolstack.destroy(guest.domid)
    expect((await read(console, 1000)).toString()).toBe('login: bye')
    await daemon.close()
    await expect(attachConsole(attached(guest))).rejects.toThrow(/nobody serves the console of domain/)
  })

  test.each([
    ['nothing', ''],
    ['no JSON', 'hello'],
    ['an access that there is not', '{"access":"own"}'],
    ['a key that there is not', '{"access":"read","x":1}'],
    ['a line without end', 'x'.repeat(5000)],
  ])('and does not speak the protocol is told so: %s', async (_, line) => {
    await using machine = await EmulatedMachine.boot()
    await using daemon = await runConsoled(machine.host.dom0, folders())
    const { guest, terminal } = await served(machine, daemon)
    const socket = createConnection(domainSocket(folder.file('sockets'), guest.domid))
    socket.write(`${line}\n`)
    let answer = ''
    for await (const chunk of socket.setEncoding('utf8')) answer += chunk
    expect(JSON.parse(answer)).toMatchObject({ ok: false, code: 'EPROTO' })
    await terminal.close()
  })
})

describe('what keeps the daemon from running is told in one line', () => {
  test('another daemon serves the folder: its process id', async () => {
    await using machine = await EmulatedMachine.boot()
    await using _daemon = await runConsoled(machine.host.dom0, folders())
    await expect(runConsoled(machine.host.dom0, folders())).rejects.toThrow(
      `EBUSY: another consoled (process ${process.pid}) serves ${folder.file('sockets')}: stop it, or choose another folder`,
    )
  })

  test('a folder that cannot be used: which, and why', async () => {
    writeFileSync(folder.file('file'), '')
    await using machine = await EmulatedMachine.boot()
    const options = { ...folders(), logFolder: folder.file('file/logs') }
    await expect(runConsoled(machine.host.dom0, options)).rejects.toThrow(
      /^EACCES: cannot use .*file\/logs for logs: ENOTDIR.*; run as a user who may, or choose another folder$/,
    )
  })

  test('a path that is too long for a socket', async () => {
    await using machine = await EmulatedMachine.boot()
    const socketFolder = folder.file('x'.repeat(100))
    await expect(runConsoled(machine.host.dom0, { socketFolder })).rejects.toThrow(/^EINVAL: .* 107 bytes/)
  })
})

test('sockets that a killed daemon left behind are in nobody’s way', async () => {
  await using machine = await EmulatedMachine.boot()
  {
    await using _daemon = await runConsoled(machine.host.dom0, folders())
  }
  // What closing would have removed is put back, without anybody who listens.
  for (const name of ['consoled.sock', 'domain-1.sock', 'domain-77.sock'])
    await leftover(folder.file(`sockets/${name}`))
  await using daemon = await runConsoled(machine.host.dom0, folders())
  const { guest, terminal } = await served(machine, daemon)
  using console = await attachConsole(attached(guest))
  expect((await read(console, 7)).toString()).toBe('login: ')
  expect(() => statSync(folder.file('sockets/domain-77.sock'))).toThrow(/ENOENT/)
  await terminal.close()
})

/** A socket that nobody listens at: it was moved away before its server closed and would have removed it. */
const leftover = async (path: string): Promise<void> => {
  const server = createServer().listen(`${path}.born`)
  await once(server, 'listening')
  renameSync(`${path}.born`, path)
  server.close()
  await once(server, 'close')
}
