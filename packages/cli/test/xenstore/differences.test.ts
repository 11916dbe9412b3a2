import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { RunningCommand } from '../support/command.js'
import { StoreAtSocket } from '../support/store-at-socket.js'
import { ourTool } from '../support/store-tools.js'

beforeEach(() => void vi.spyOn(process.stderr, 'write').mockReturnValue(true))
afterEach(() => vi.restoreAllMocks())

test('chmod -r does all of the store, and paths that Xen’s tool cuts off', async () => {
  await using store = await StoreAtSocket.open()
  await using client = await store.client()
  const long = `/${'n'.repeat(200)}/${'m'.repeat(200)}`
  await client.write(long, '')
  expect((await ourTool(store.path, ['chmod', '-r', '/', 'n0', 'r7'])).code).toBe(0)
  expect(await client.getPermissions(long)).toEqual(await client.getPermissions('/'))
  expect(await client.getPermissions(long)).toMatchObject([{ kind: 'none' }, { domid: 7, kind: 'read' }])
})

test.each(['r1x', 'r 1', 'r-1', '1', 'r99999', ''])(
  'chmod takes no permission %j, and changes nothing',
  async (text) => {
    await using store = await StoreAtSocket.open()
    await using client = await store.client()
    expect((await ourTool(store.path, ['chmod', '/tool', 'b3', text])).code).toBe(1)
    expect(await client.getPermissions('/tool')).toMatchObject([{ domid: 0, kind: 'none' }])
  },
)

test('watch -d, which newer tools have, tells of no deeper level', async () => {
  await using store = await StoreAtSocket.open()
  await using client = await store.client()
  const args = ['xenstore', 'watch', '-n', '3', '-d', '1', '--xenstored', store.path, '/w']
  using watch = RunningCommand.bin(args)
  await watch.said('stdout', /^\/w$/m)
  for (const path of ['/w/a/deep', '/w/a', '/w']) await client.write(path, '1')
  expect(await watch.ended()).toMatchObject({ code: 0, stdout: '/w\n/w/a\n/w\n' })
})

test.each(['-1', 'x', '1.5'])('watch -d %s makes no sense', async (depth) => {
  await using store = await StoreAtSocket.open()
  expect(await ourTool(store.path, ['watch', '-d', depth, '/w'])).toEqual({ code: 1, stdout: '' })
})

test.each([['--ra'], ['--de', '1'], ['--dev'], ['--n=1'], ['--fla=x'], ['--hos']])(
  'ls %s is an error: what is for another tool, and what of ours is cut short',
  async (...words) => {
    await using store = await StoreAtSocket.open()
    expect(await ourTool(store.path, ['ls', ...words, '/tool'])).toEqual({ code: 1, stdout: '' })
  },
)

test('--h is --help, not our --host: what the words mean, on standard output, and exit code 0', async () => {
  const print = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  await using store = await StoreAtSocket.open()
  expect((await ourTool(store.path, ['ls', '--h', '/tool'])).code).toBe(0)
  expect(print.mock.calls.join('')).toContain('--flat')
})

test('what is ambiguous is so for every tool, and does nothing', async () => {
  const complain = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  await using store = await StoreAtSocket.open()
  await using client = await store.client()
  expect(await ourTool(store.path, ['chmod', '--r', '/tool', 'n7'])).toEqual({ code: 1, stdout: '' })
  expect(complain.mock.calls.join('')).toContain("'--r' is ambiguous: --recurse --raw")
  expect(await client.getPermissions('/tool')).toMatchObject([{ domid: 0, kind: 'none' }])
})

test('what stands behind -- is no option, cut short or not', async () => {
  await using store = await StoreAtSocket.open()
  await using client = await store.client()
  expect((await ourTool(store.path, ['write', '--', '/tool/dashes', '--ra'])).code).toBe(0)
  expect(await client.read('/tool/dashes')).toBe('--ra')
})

test('watch --n=N ends after N events', async () => {
  await using store = await StoreAtSocket.open()
  expect(await ourTool(store.path, ['watch', '--n=1', '/w'])).toEqual({ code: 0, stdout: '/w\n' })
})
