import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ControlClient } from '../../src/control/control-client.js'
import type { ControlHandlers } from '../../src/control/control-connection.js'
import { ControlServer } from '../../src/control/control-server.js'
import { MAX_LINE_BYTES, operations } from '../../src/control/operations.js'
import { defaultSocketPath, machineFolder, prepareSocketFolder } from '../../src/control/socket-path.js'
import { ScratchFolder } from '../support/scratch-folder.js'

let folder: ScratchFolder
let path: string
beforeEach(() => {
  folder = new ScratchFolder()
  path = folder.file('m.sock')
})
afterEach(() => folder[Symbol.dispose]())

const about = { pid: 7, version: '1', xenstoreSocket: '/x', consoleFolder: '/c' }

/** Answers what it is asked about, and fails at the rest. */
const handlers = Object.fromEntries(
  Object.keys(operations).map((name) => [
    name,
    ({ domain = '' }: { readonly domain?: string }) => {
      if (name === 'about') return about
      if (name === 'vcpu-list') return new Promise((resolve) => setTimeout(() => resolve([]), 50))
      if (name === 'find') return { domid: domain.length, name: domain }
      throw new Error(`cannot ${name}`)
    },
  ]),
) as unknown as ControlHandlers

const listen = () => ControlServer.listen(path, Promise.resolve(handlers))

/** Sends bytes, ends its half, and takes all that comes. */
const raw = (bytes: string | Uint8Array): Promise<string> =>
  new Promise((resolve, reject) => {
    let answer = ''
    const socket = createConnection({ path, allowHalfOpen: true })
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text
    })
    socket.on('end', () => {
      socket.destroy()
      resolve(answer)
    })
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' ? resolve(answer) : reject(error),
    )
    socket.end(bytes)
  })

describe('a request and its answer', () => {
  test('requests of one connection run side by side, and each gets its own answer', async () => {
    await using _ = await listen()
    using client = await ControlClient.connect(path)
    const domains = ['a', 'bb', 'ccc']
    const answers = await Promise.all(domains.map((domain) => client.request('find', { domain })))
    expect(answers).toEqual([
      { domid: 1, name: 'a' },
      { domid: 2, name: 'bb' },
      { domid: 3, name: 'ccc' },
    ])
  })

  test('one line of JSON each; who has ended its half is still answered', async () => {
    await using _ = await listen()
    const answer = await raw('{"id":3,"do":"about","with":{}}\n{"id":4,"do":"find","with":{"domain":"mini"}}\n')
    const lines = answer
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: number })
    expect(lines.sort((a, b) => a.id - b.id)).toEqual([
      { id: 3, ok: true, result: about },
      { id: 4, ok: true, result: { domid: 4, name: 'mini' } },
    ])
  })

  test('also if the answer takes its time', async () => {
    await using _ = await listen()
    expect(await raw('{"id":5,"do":"vcpu-list","with":{}}\n')).toBe('{"id":5,"ok":true,"result":[]}\n')
  })

  test('what goes wrong comes with its code, and the connection goes on', async () => {
    await using _ = await listen()
    using client = await ControlClient.connect(path)
    await expect(client.request('list', {})).rejects.toMatchObject({ code: 'EIO', message: 'EIO: cannot list' })
    expect(await client.request('about', {})).toEqual(about)
  })

  test('what an operation does not take is refused by name and place', async () => {
    await using _ = await listen()
    const answer = JSON.parse(await raw('{"id":1,"do":"find","with":{"domain":7}}\n'))
    expect(answer).toMatchObject({
      id: 1,
      ok: false,
      code: 'EPROTO',
      message: expect.stringMatching(/^find: "domain": /),
    })
  })

  test('an answer that makes no sense is the machine that is wrong, not the caller', async () => {
    const liar = createServer((socket) => socket.on('data', () => socket.write('{"id":1,"ok":true,"result":{}}\n')))
    await new Promise<void>((resolve) => liar.listen(path, resolve))
    using client = await ControlClient.connect(path)
    await expect(client.request('about', {})).rejects.toMatchObject({ code: 'EPROTO' })
    client[Symbol.dispose]()
    await new Promise((resolve) => liar.close(resolve))
  })

  test('a machine that ends answers with CLOSED', async () => {
    const server = await ControlServer.listen(path, new Promise(() => undefined))
    using client = await ControlClient.connect(path)
    const waiting = client.request('about', {})
    const refused = expect(waiting).rejects.toMatchObject({ code: 'CLOSED' })
    await server[Symbol.asyncDispose]()
    await refused
    await expect(client.request('about', {})).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

describe('who breaks the protocol', () => {
  test.each([
    ['no JSON', 'hello\n'],
    ['an unknown operation', '{"id":1,"do":"format","with":{}}\n'],
    ['no number', '{"do":"about","with":{}}\n'],
    ['a name of every object', '{"id":1,"do":"constructor","with":{}}\n'],
    ['a line that is too long', `{"id":1,"do":"about","with":{}${' '.repeat(2 * MAX_LINE_BYTES)}}\n`],
  ])('%s: is cut off, and nobody else notices', async (_, bytes) => {
    await using _server = await listen()
    using client = await ControlClient.connect(path)
    expect(await raw(bytes)).toBe('')
    expect(await client.request('about', {})).toEqual(about)
  })

  test('any bytes: the server goes on', async () => {
    await using _ = await listen()
    const pieces = fc.oneof(
      fc.constantFrom(
        '{"id":1,"do":"about","with":{}}',
        '\n',
        '{',
        '"id":',
        '[]',
        'null',
        '{"id":-1,"do":"list","with":0}',
      ),
      fc.string({ unit: 'binary', maxLength: 20 }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 8 }), async (parts) => {
        for (const line of (await raw(parts.join(''))).trimEnd().split('\n')) if (line !== '') JSON.parse(line)
        using client = await ControlClient.connect(path)
        expect(await client.request('about', {})).toEqual(about)
      }),
      { numRuns: 40 },
    )
  })
})

describe('the socket', () => {
  test('a second machine is refused, and told who has it', async () => {
    await using _ = await listen()
    await expect(listen()).rejects.toMatchObject({
      code: 'EBUSY',
      message: expect.stringContaining(`another machine (process 7) has ${path}`),
    })
  })

  test('what a machine that was killed has left is replaced', async () => {
    const dead = createServer()
    await new Promise<void>((resolve) => dead.listen(`${path}.other`, resolve))
    // A socket that nobody listens at any more: its file outlives the rename.
    renameSync(`${path}.other`, path)
    await new Promise((resolve) => dead.close(resolve))
    expect(existsSync(path)).toBe(true)
    await using _ = await listen()
    using client = await ControlClient.connect(path)
    expect(await client.request('about', {})).toEqual(about)
  })

  test('a file that is no socket is left alone', async () => {
    writeFileSync(path, 'mine')
    await expect(listen()).rejects.toMatchObject({ code: 'EEXIST', message: expect.stringContaining(path) })
    expect(readFileSync(path, 'utf8')).toBe('mine')
  })

  test('where no machine runs, it says what to do', async () => {
    await expect(ControlClient.connect(path)).rejects.toMatchObject({
      code: 'ENOENT',
      message: `ENOENT: no machine runs at ${path}: start one with split-driver machine, or name its socket with --socket`,
    })
  })

  test.each([
    [{ SPLIT_DRIVER_SOCKET: '/a/b.sock', XDG_RUNTIME_DIR: '/run/user/7' }, /^\/a\/b\.sock$/],
    [{ XDG_RUNTIME_DIR: '/run/user/7' }, /^\/run\/user\/7\/split-driver\/machine\.sock$/],
    [{ XDG_RUNTIME_DIR: 'relative' }, /\/split-driver-\d+\/machine\.sock$/],
    [{}, /\/split-driver-\d+\/machine\.sock$/],
  ])('with %j it lies at %s', (environment, place) => {
    expect(defaultSocketPath(environment)).toMatch(place)
  })

  test('the other sockets lie in a folder beside it', () => {
    expect(machineFolder('/run/x/machine.sock')).toBe('/run/x/machine.d')
  })

  test('a folder that is missing is made for its owner alone', async () => {
    const deep = folder.file('a/b/m.sock')
    await prepareSocketFolder(deep)
    expect(statSync(folder.file('a/b')).mode & 0o777).toBe(0o700)
  })
})
