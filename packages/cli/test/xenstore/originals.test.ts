import type { Domid } from '@split-driver/abi'
import type { XenStoreClient } from '@split-driver/xenbus'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { StoreAtSocket } from '../support/store-at-socket.js'
import { hasOriginals, originalOnTerminal, originalTool, ourTool } from '../support/store-tools.js'

const SEVERAL = ['/tool/mine', '/none', '/tool/mine/deep']

/** Each on what the ones before have left, with Xen's tool at one store and with ours at another. */
const INVOCATIONS: readonly (readonly string[])[] = [
  ['ls'],
  ['ls', '/tool'],
  ['ls', '-s', '/tool'],
  ['ls', '-p', '/tool'],
  ['ls', '-f', '/tool'],
  ['ls', '-fp', '/tool/', '/local'],
  ['ls', '--flat', '--prefix', '/'],
  ['ls', '--f', '--pre', '/'],
  ['ls', '--re', '/'],
  ['ls', '--', '--f'],
  ['ls', '/tool/mine/deep'],
  ['ls', '/none'],
  ['ls', '/tool', '/none', '/local'],
  ['ls', 'home'],
  ['ls', '-f', 'home'],
  ['ls', '/tool', '-p'],
  ['ls', '-t', '/tool'],
  ['read', '/tool/mine/deep'],
  ['read', '-p', '/tool/mine/deep'],
  ['read', '-R', '/tool/mine/deep'],
  ['read', '-pR', '/tool/mine/deep', '/tool/mine'],
  ['read', '--raw', '--prefix', '/tool/mine/deep'],
  ['read', '--ra', '--p', '/tool/mine/deep'],
  ['read', ...SEVERAL],
  ['read', '-p', ...SEVERAL],
  ['read', '/none'],
  ['read', 'no//path'],
  ['read', '-u', '/tool'],
  ['read'],
  ['list', '/'],
  ['list', '-p', '/'],
  ['list', '-p', '/tool'],
  ['list', '--prefix', '-s', '/tool', '/local'],
  ['list', '/tool/mine/deep'],
  ['list', ...SEVERAL],
  ['list', '/none'],
  ['list'],
  ['exists', '/tool'],
  ['exists', '/tool', '/tool/mine'],
  ['exists', '/tool', '/none'],
  ['exists'],
  ['write', '/tool/a', 'plain'],
  ['write', '/tool/b/c', 'a\\tb\\nc\\rd\\\\e', '/tool/b/d', '\\x41\\101\\x4g\\8\\q'],
  ['write', '-R', '/tool/b/raw', '\\x41\\n', '/tool/b/latin', 'é'],
  ['write', '/tool/b/odd', 'x', '/tool/b/more'],
  ['write', '/tool/none'],
  ['write', '/tool/b/one', '1', 'no//path', '2'],
  ['write', 'home/relative', '1'],
  ['write', '--', '/tool/minus', '-1'],
  ['write', '/tool/empty', ''],
  ['chmod', '/tool/b', 'n0', 'r3', 'w4', 'b5'],
  ['chmod', '/tool/a', 'n'],
  ['chmod', '/tool/a', 'z3'],
  ['chmod', '/tool/a'],
  ['chmod', '/none', 'n0'],
  ['chmod', '-r', '/tool/b', 'b7', 'r8'],
  ['chmod', '-u', '/tool/mine/deep', 'r0', 'n9'],
  ['chmod', '-ru', '/tool/b', 'w0'],
  ['chmod', '--upto', '--recurse', '/tool/mine', 'n2'],
  ['chmod', '--u', '/tool/mine', '--rec', 'n4'],
  ['chmod', '-u', 'home', 'n0'],
  ['chmod', '-p', '/tool', 'n0'],
  ['rm', '/tool/b/c'],
  ['rm', '/tool/b/never'],
  ['rm', '/none/never'],
  ['rm', '/'],
  ['rm', '/tool/a', '/none/never'],
  ['rm', '-t', '/bare/with/nothing'],
  ['rm', '--t', '/bare/again'],
  ['rm', '-t', '/tool/mine/deep'],
  ['rm', '-t', 'home/relative'],
  ['rm', '--tidy', '/tool/b', '/tool/a'],
  ['rm'],
  ['watch', '-n', '0', '/tool'],
  ['watch', '-n', '1', '/tool'],
  ['watch', '-n2', '/tool', '/none'],
  ['watch', '--number=3', '/tool', 'home', '@introduceDomain'],
  ['watch', '-n', '1', '/tool', '/tool'],
  ['watch', '-n', '1', 'no//path'],
  ['watch'],
  ['list', '-p', '/', '/tool'],
]

const furnish = async (store: XenStoreClient): Promise<void> => {
  await store.write('/tool/mine', 'x'.repeat(70))
  await store.write('/tool/mine/deep', Uint8Array.of(0, 7, 8, 9, 10, 13, 31, 32, 92, 126, 127, 128, 255))
  await store.write('/tool/long', 'y'.repeat(71))
  await store.write('/local/domain/0/home', '0')
  await store.write('/bare/with/nothing', '1')
  await store.setPermissions('/tool/mine/deep', [
    { domid: 3 as Domid, kind: 'read' },
    { domid: 0 as Domid, kind: 'both' },
  ])
}

describe.skipIf(!hasOriginals)('beside xenstore-utils (not run where they are not installed)', () => {
  // What ours says on the side is its own matter.
  beforeAll(() => void vi.spyOn(process.stderr, 'write').mockReturnValue(true))
  afterAll(() => vi.restoreAllMocks())

  test('the same output, exit code and effect, invocation by invocation', async () => {
    await using theirs = await StoreAtSocket.open()
    await using ours = await StoreAtSocket.open()
    for (const store of [theirs, ours]) {
      await using client = await store.client()
      await furnish(client)
    }
    for (const args of INVOCATIONS) {
      const what = args.join(' ')
      expect(await ourTool(ours.path, args), what).toEqual(await originalTool(theirs.path, args))
      const all = await originalTool(ours.path, ['ls', '-fp'])
      expect(all, `the tree after ${what}`).toEqual(await originalTool(theirs.path, ['ls', '-fp']))
    }
  }, 60_000)

  test('of any tree, on terminals of any width and on none', async () => {
    const name = fc.oneof(
      fc.stringMatching(/^[A-Za-z0-9_@-]{1,12}$/),
      fc.integer({ min: 60, max: 90 }).map((length) => 'n'.repeat(length)),
    )
    const value = fc.oneof(
      fc.uint8Array({ maxLength: 24 }).map((bytes) => bytes.filter((byte) => byte !== 0)),
      fc.integer({ min: 0, max: 90 }).map((length) => new Uint8Array(length).fill(0x76)),
    )
    const permissions = fc.array(
      fc.record({
        domid: fc.nat(40).map((domid) => domid as Domid),
        kind: fc.constantFrom('none', 'read', 'write', 'both'),
      }),
      { minLength: 1, maxLength: 4 },
    )
    const node = fc.record({ names: fc.array(name, { minLength: 1, maxLength: 5 }), value, permissions })
    await fc.assert(
      fc.asyncProperty(
        fc.array(node, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 200 }),
        async (nodes, columns) => {
          await using store = await StoreAtSocket.open()
          await using client = await store.client()
          for (const { names, value, permissions } of nodes) {
            const path = `/${names.join('/')}`
            await client.write(path, value)
            await client.setPermissions(path, permissions)
          }
          for (const args of [['ls'], ['ls', '-p'], ['ls', '-f'], ['ls', '-fp']]) {
            expect(await ourTool(store.path, args)).toEqual(await originalTool(store.path, args))
            const wide = await ourTool(store.path, args, columns)
            expect(wide, `${columns} columns`).toEqual(await originalOnTerminal(store.path, args, columns))
          }
        },
      ),
      { numRuns: 12 },
    )
  }, 60_000)

  test('a tree deeper than a line is wide', async () => {
    await using store = await StoreAtSocket.open()
    await using client = await store.client()
    await client.write(`/${Array.from({ length: 100 }, (_, depth) => `level-${depth}`).join('/')}`, 'bottom')
    for (const args of [
      ['ls', '-p'],
      ['ls', '-f'],
    ])
      expect(await ourTool(store.path, args)).toEqual(await originalTool(store.path, args))
  })

  test('typed escapes come out as the same bytes', async () => {
    await using store = await StoreAtSocket.open()
    const piece = fc.constantFrom(
      '\\',
      'x',
      '0',
      '1',
      '3',
      '7',
      '8',
      '9',
      'a',
      'F',
      'g',
      't',
      'n',
      'r',
      ' ',
      '+',
      '-',
      'é',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 10 }), async (pieces) => {
        const value = pieces.join('')
        const [theirs, ours] = [
          ['write', '--', '/theirs', value],
          ['write', '--', '/ours', value],
        ]
        expect((await ourTool(store.path, ours)).code).toBe((await originalTool(store.path, theirs)).code)
        await using client = await store.client()
        expect(await client.readBytes('/ours'), value).toEqual(await client.readBytes('/theirs'))
      }),
      { numRuns: 150 },
    )
  }, 60_000)

  test('for a domain that may not see everything: what it may, then exit code 1', async () => {
    await using store = await StoreAtSocket.open()
    await using client = await store.client()
    await furnish(client)
    await client.setPermissions('/tool', [{ domid: 0 as Domid, kind: 'read' }])
    const rows = [
      ['ls', '/tool'],
      ['ls', '-p', '/tool'],
      ['list', '/tool', '/tool/mine'],
      ['read', '/tool', '/tool/long'],
      ['exists', '/tool/mine'],
      ['write', '/tool/mine', '1'],
      ['rm', '/tool/mine'],
      ['chmod', '/tool/mine', 'n0'],
    ]
    for (const args of rows)
      expect(await ourTool(store.guestPath, args), args.join(' ')).toEqual(await originalTool(store.guestPath, args))
  })
})
