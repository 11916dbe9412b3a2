import { readdirSync, readFileSync } from 'node:fs'
import type { XenStoreClient } from '@split-driver/xenbus'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { RunningCommand, splitDriver } from '../support/command.js'
import { RunningStore } from '../support/running-store.js'
import { ScratchFolder } from '../support/scratch-folder.js'

let folder: ScratchFolder
beforeEach(() => {
  folder = new ScratchFolder()
})
afterEach(() => folder[Symbol.dispose]())

const paths = async (client: XenStoreClient, path: string, count: number): Promise<string[]> => {
  await using watch = await client.watch(path)
  const seen: string[] = []
  for await (const changed of watch) if (seen.push(changed) === count) break
  return seen
}

describe('xenstore control live-update', () => {
  test('puts another daemon in the place of this one, again and again, and who is connected goes on', async () => {
    const persist = folder.file('state')
    using store = await RunningStore.start(folder, '--pid-file', folder.file('pid'), '--persist', persist)
    const client = await store.client()
    await client.write('/a', 'before')
    const seen = paths(client, '/a', 4)
    for (const value of ['one', 'two', 'three']) {
      const update = await splitDriver(
        'xenstore',
        'control',
        '--xenstored',
        store.socket,
        'live-update',
        process.execPath,
      )
      expect(update).toMatchObject({ code: 0, stderr: '' })
      await client.write(`/a/${value}`, value)
    }
    expect(await seen).toEqual(['/a', '/a/one', '/a/two', '/a/three'])
    expect(readFileSync(folder.file('pid'), 'utf8')).toBe(`${store.pid}\n`)
    expect((await store.stop('SIGTERM')).code).toBe(0)
    using again = await RunningStore.start(folder, '--persist', persist)
    expect(await (await again.client()).directory('/a')).toEqual(['one', 'two', 'three'])
  })

  test('needs no folder of the host: what one leaves for the next lies beside the socket that was named', async () => {
    const socket = folder.file('named')
    using command = RunningCommand.withEnvironment({}, ['xenstored', '--socket', socket])
    await command.said('stdout', /^ready$/m)
    const update = ['xenstore', 'control', '--xenstored', socket, 'live-update', process.execPath]
    expect(await splitDriver(...update)).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(readdirSync(folder.path)).toEqual(['named'])
    command.child.kill('SIGTERM')
    expect((await command.ended()).code).toBe(0)
  })
})
