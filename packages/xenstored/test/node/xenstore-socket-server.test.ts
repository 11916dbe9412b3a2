import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { XenStoreClient } from '@split-driver/xenbus'
import { SocketChannel } from '@split-driver/xenbus/node'
import { XenstoreSocketServer } from '@split-driver/xenstored/node'
import { afterEach, expect, test } from 'vitest'
import { StoreWorld } from '../support/store-world.js'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each()
})

const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'split-driver-xenstored-'))
  undo.push(() => rmSync(made, { recursive: true }))
  return made
}

const serve = async (path = join(folder(), 'run', 'socket')) => {
  const { server } = new StoreWorld()
  const listening = await XenstoreSocketServer.listen(server, path)
  undo.push(() => listening[Symbol.asyncDispose]())
  return { path, server, listening }
}

const connect = async (path: string): Promise<XenStoreClient> => {
  const client = new XenStoreClient(await SocketChannel.connect(path))
  undo.push(() => client.close())
  return client
}

/** A listener that ends without removing its socket, as a process that is killed does. */
const leaveDeadSocket = (path: string): void => {
  const program = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', program])
}

test('clients of the socket have the rights of domain 0 and see one tree', async () => {
  const { path } = await serve()
  const [one, other] = [await connect(path), await connect(path)]
  await one.write('/local/domain/7/name', 'guest')
  await one.write('relative', 'x')
  expect(await other.read('/local/domain/7/name')).toBe('guest')
  expect(await other.read('/local/domain/0/relative')).toBe('x')
})

test('the folder is made, and nobody but the owner may connect', async () => {
  const { path } = await serve()
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('closing lets the clients go and leaves no socket behind', async () => {
  const { path, server, listening } = await serve()
  const client = await connect(path)
  const watch = await client.watch('/a')
  await listening[Symbol.asyncDispose]()
  await expect(client.read('/')).rejects.toThrow(expect.objectContaining({ code: 'CLOSED' }))
  await watch.close()
  expect(existsSync(path)).toBe(false)
  expect(server.holdings()).toEqual([])
  await listening[Symbol.asyncDispose]()
})

test('the socket of a daemon that was killed is replaced', async () => {
  const path = join(folder(), 'socket')
  leaveDeadSocket(path)
  expect(existsSync(path)).toBe(true)
  await serve(path)
  expect(await (await connect(path)).directory('/')).toEqual(['tool'])
})

test('a daemon that lives keeps its socket', async () => {
  const { path, server } = await serve()
  await expect(XenstoreSocketServer.listen(server, path)).rejects.toThrow(expect.objectContaining({ code: 'EBUSY' }))
  expect(await (await connect(path)).directory('/')).toEqual(['tool'])
})

test('what is no socket stays', async () => {
  const path = join(folder(), 'socket')
  writeFileSync(path, 'precious')
  await expect(serve(path)).rejects.toThrow(expect.objectContaining({ code: 'EEXIST' }))
  expect(statSync(path).size).toBe(8)
})

test('a path that no socket can have is refused', async () => {
  const path = join(folder(), 'x'.repeat(120))
  await expect(serve(path)).rejects.toThrow(expect.objectContaining({ code: 'EINVAL' }))
  expect(existsSync(dirname(path))).toBe(true)
})

test('S1: a client that breaks the protocol loses its connection, and nobody else notices', async () => {
  const { path } = await serve()
  const good = await connect(path)
  const bad = createConnection(path)
  undo.push(() => bad.destroy())
  const header = Buffer.alloc(16)
  header.writeUInt32LE(2, 0)
  header.writeUInt32LE(4097, 12)
  bad.write(header)
  await new Promise((resolve) => bad.once('close', resolve))
  expect(await good.directory('/')).toEqual(['tool'])
})
