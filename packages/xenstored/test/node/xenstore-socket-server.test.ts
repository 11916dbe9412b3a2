import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SocketWorld } from './support/socket-world.js'

let world: SocketWorld
beforeEach(() => {
  world = new SocketWorld()
})
afterEach(() => world[Symbol.asyncDispose]())

const withCode = (code: string) => expect.objectContaining({ code })

/** A listener that ends without removing its socket, as a process that is killed does. */
const leaveDeadSocket = (path: string): void => {
  mkdirSync(dirname(path), { recursive: true })
  const listen = `require('net').createServer().listen(${JSON.stringify(path)}`
  spawnSync(process.execPath, ['-e', `${listen}, () => process.kill(process.pid, 'SIGKILL'))`])
}

describe.each(['node', 'kernel'] as const)('sockets of the %s', (sockets) => {
  test('clients have the rights of domain 0 and see one tree', async () => {
    await world.listen({ sockets })
    const [one, other] = [await world.connect(), await world.connect()]
    await one.write('/local/domain/7/name', 'guest')
    await one.write('relative', 'x')
    expect(await other.read('/local/domain/7/name')).toBe('guest')
    expect(await other.read('/local/domain/0/relative')).toBe('x')
  })

  test('the folder is made, and nobody but the owner may connect', async () => {
    await world.listen({ sockets })
    expect(statSync(world.path).mode & 0o777).toBe(0o600)
  })

  test('closing lets the clients go and leaves no socket behind', async () => {
    const listening = await world.listen({ sockets })
    const client = await world.connect()
    const watch = await client.watch('/a')
    await listening[Symbol.asyncDispose]()
    await expect(client.read('/')).rejects.toThrow(withCode('CLOSED'))
    await watch.close()
    expect(existsSync(world.path)).toBe(false)
    expect(world.store.server.holdings()).toEqual([])
    await listening[Symbol.asyncDispose]()
  })

  test('the socket of a daemon that was killed is replaced', async () => {
    leaveDeadSocket(world.path)
    expect(existsSync(world.path)).toBe(true)
    await world.listen({ sockets })
    expect(await (await world.connect()).directory('/')).toEqual(['tool'])
  })

  test('a daemon that lives keeps its socket', async () => {
    await world.listen({ sockets })
    await expect(world.listen({ sockets })).rejects.toThrow(withCode('EBUSY'))
    expect(await (await world.connect()).directory('/')).toEqual(['tool'])
  })

  test('what is no socket stays', async () => {
    const path = join(world.folder, 'file')
    writeFileSync(path, 'precious')
    await expect(world.listen({ sockets, path })).rejects.toThrow(withCode('EEXIST'))
    expect(statSync(path).size).toBe(8)
  })

  test('a path that no socket can have is refused', async () => {
    const path = join(world.folder, 'x'.repeat(120))
    await expect(world.listen({ sockets, path })).rejects.toThrow(withCode('EINVAL'))
  })
})
