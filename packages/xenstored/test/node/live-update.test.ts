import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, watch } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { XenStoreWireClient } from '@split-driver/conformance'
import { packStringAndRest, packStrings, toText, unpackTexts, XenStoreOp } from '@split-driver/xenbus'
import { SocketChannel } from '@split-driver/xenbus/node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const PROGRAM = fileURLToPath(new URL('./support/updating-store.mjs', import.meta.url))

let home: string
let daemon: ChildProcess
let complaints = ''

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'live-'))
})

afterEach(async () => {
  if (daemon.exitCode === null) {
    const closed = once(daemon, 'close')
    daemon.kill('SIGKILL')
    await closed
  }
  await rm(home, { recursive: true })
})

const beginnings = (): string[] => {
  const file = join(home, 'beginnings')
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
}

/** Resolves when so many programs have begun to serve. */
const begun = async (count: number): Promise<void> => {
  const watcher = watch(home)
  using changes = Object.assign(watcher, { [Symbol.dispose]: () => watcher.close() })
  while (beginnings().length < count) await Promise.race([once(changes, 'change'), once(daemon, 'exit').then(dead)])
}

const dead = (): never => {
  throw new Error(`the daemon ended: ${complaints}`)
}

const start = async (journal = '-'): Promise<void> => {
  complaints = ''
  daemon = spawn(process.execPath, [PROGRAM, join(home, 'socket'), journal, join(home, 'beginnings')], {
    env: { ...process.env, XENSTORED_RUNDIR: home },
  })
  daemon.stderr!.on('data', (text) => {
    complaints += text
  })
  await begun(1)
}

const connect = async (): Promise<XenStoreWireClient> =>
  new XenStoreWireClient(await SocketChannel.connect(join(home, 'socket')))

/** The reply, however long it takes. */
const ask = async (client: XenStoreWireClient, type: number, body: Uint8Array, txId = 0): Promise<string> => {
  const reqId = client.post(type, body, txId)
  for (;;) {
    const reply = client.messages.find((message) => message.reqId === reqId && message.type !== XenStoreOp.WatchEvent)
    if (reply !== undefined) return unpackTexts(reply.body)?.join('|') ?? toText(reply.body)
    if (daemon.exitCode !== null) dead()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const control = (client: XenStoreWireClient, ...words: string[]): Promise<string> =>
  ask(client, XenStoreOp.Control, packStrings('live-update', ...words))

const write = (path: string, value: string): Uint8Array => packStringAndRest(path, value)

describe('a live update', () => {
  test.each(['-', 'journal'])(
    'is noticed by no client: requests, events and transactions go on (journal: %s)',
    async (journal) => {
      await start(journal === '-' ? '-' : join(home, journal))
      const [admin, busy, watching] = [await connect(), await connect(), await connect()]
      await ask(watching, XenStoreOp.Watch, packStrings('/w', 'token'))
      const txId = Number(await ask(busy, XenStoreOp.TransactionStart, packStrings('')))
      await ask(busy, XenStoreOp.Write, write('/t', 'in it'), txId)
      expect(await control(admin, '-f', process.execPath)).toBe('OK')

      const updated = control(admin, '-s', '-F')
      const replies: Promise<string>[] = []
      // Enough that some are on their way while one program becomes the other, a little each turn of the loop.
      for (let i = 0; beginnings().length < 2 || replies.length < 300; i++) {
        if (daemon.exitCode !== null) dead()
        replies.push(ask(busy, XenStoreOp.Write, write(`/w/${i}`, `${i}`)))
        await new Promise((resolve) => setImmediate(resolve))
      }
      expect(await updated).toBe('OK')
      expect(new Set(await Promise.all(replies))).toEqual(new Set(['OK']))
      expect(await ask(busy, XenStoreOp.TransactionEnd, packStrings('T'), txId)).toBe('OK')
      expect(await ask(admin, XenStoreOp.Read, packStrings('/t'))).toBe('in it')

      await ask(watching, XenStoreOp.Read, packStrings('/w'))
      const events = watching.messages.filter(({ type }) => type === XenStoreOp.WatchEvent)
      const due = ['/w', ...replies.map((_, i) => `/w/${i}`)]
      expect(events.map(({ body }) => unpackTexts(body))).toEqual(due.map((path) => [path, 'token']))
      expect(busy.messages.map(({ reqId }) => reqId)).toEqual(busy.messages.map((_, i) => i + 1))
      expect(new Set(beginnings())).toEqual(new Set([String(daemon.pid)]))
      expect(await ask(await connect(), XenStoreOp.Read, packStrings('/w/7'))).toBe('7')
    },
  )

  test('waits for transactions to end, and says which have not', async () => {
    await start()
    const [admin, other] = [await connect(), await connect()]
    await control(admin, '-f', process.execPath)
    const txId = Number(await ask(other, XenStoreOp.TransactionStart, packStrings('')))
    expect(await control(admin, '-s')).toBe('Transactions are open:\ndomain 0 for 0 s')
    await control(admin, '-f', process.execPath)
    const updated = control(admin, '-s', '-t', '60')
    expect(await ask(other, XenStoreOp.TransactionEnd, packStrings('T'), txId)).toBe('OK')
    expect(await updated).toBe('OK')
    expect(beginnings()).toHaveLength(2)
  })

  test('is begun by one connection at a time, given up, and over with that connection', async () => {
    await start()
    const [admin, other] = [await connect(), await connect()]
    expect(await control(admin, '-s')).toBe('No live update was begun here.')
    expect(await control(admin, '-a')).toBe('No live update was begun here.')
    expect(await control(admin, '-f', process.execPath)).toBe('OK')
    expect(await control(other, '-f', process.execPath)).toBe('A live update is under way.')
    expect(await control(other, '-c', 'x')).toBe('No live update was begun here.')
    expect(await control(admin, '-c', 'x')).toBe('OK')
    expect(await control(other, '-a')).toBe('OK')
    expect(await control(admin, '-s')).toBe('No live update was begun here.')
    expect(await control(admin, '-f', process.execPath)).toBe('OK')
    admin.channel.close()
    await expect.poll(() => control(other, '-f', process.execPath)).toBe('OK')
  })

  test('with a program that is of no use leaves everything as it is', async () => {
    await start()
    const admin = await connect()
    expect(await control(admin, '-f', join(home, 'nothing'))).toMatch(/nothing cannot be read: ENOENT/)
    expect(await control(admin, '-f', home)).toMatch(/is no file/)
    const file = join(home, 'file')
    await writeFile(file, 'this is no program')
    expect(await control(admin, '-x')).toBe('EINVAL')
    expect(await control(admin, '-s', '-t')).toBe('EINVAL')
    await chmod(file, 0o700)
    expect(await control(admin, '-f', file)).toBe('OK')
    expect(await control(admin, '-s', '-v', '3')).toBe('Streams of version 3 are unknown.')
    expect(await control(admin, '-s')).toMatch(/^The program could not be started: execve/)
    expect(existsSync(join(home, 'state_dump'))).toBe(false)
    expect(await ask(admin, XenStoreOp.Write, write('/a', 'b'))).toBe('OK')
    expect(beginnings()).toHaveLength(1)
  })
})
