import { EmulatedHost } from '@split-driver/emulator'
import { channelPair, XenStoreClient } from '@split-driver/xenbus'
import { XenstoreServer } from '@split-driver/xenstored'
import { expect, test } from 'vitest'
import { listTree } from '../../src/xenstore/list-tree.js'
import { valueText } from '../../src/xenstore/value-text.js'

test.each([
  ['plain', 'plain'],
  ['a\tb\nc\rd\\', 'a\\tb\\nc\\rd\\\\'],
  ['\u001b[2J', '\\x1b[2J'],
  ['é', '\\xc3\\xa9'],
  ['\0\x7f', '\\x00\\x7f'],
])('a value never writes more than its line, nor commands to a terminal: %j is %s', (value, text) => {
  expect(valueText(new TextEncoder().encode(value))).toBe(text)
})

test('a tree: names below each other, values, permissions, whole paths', async () => {
  let server: XenstoreServer | undefined
  await using _host = await EmulatedHost.boot({
    xenstored: (dom0) => {
      server = new XenstoreServer(dom0)
      return server
    },
  })
  const [theirs, ours] = channelPair()
  server?.accept(theirs, { domid: 0 as never, privileged: true })
  await using store = new XenStoreClient(ours)
  await store.write('/tool/mine/deep', 'x\ny')
  await store.setPermissions('/tool/mine', [
    { domid: 0 as never, kind: 'none' },
    { domid: 3 as never, kind: 'read' },
  ])
  const all = async (path: string, full: boolean, permissions: boolean) => {
    const lines: string[] = []
    for await (const line of listTree(store, path, { full, permissions })) lines.push(line)
    return lines
  }
  expect(await all('/tool', false, false)).toEqual(expect.arrayContaining(['mine = ""', ' deep = "x\\ny"']))
  expect(await all('/tool/mine', true, true)).toEqual(['/tool/mine/deep = "x\\ny"   (n0)'])
  expect(await all('/', false, true)).toContain(' mine = ""   (n0,r3)')
  await expect(all('/none', false, false)).rejects.toMatchObject({ code: 'ENOENT' })
})
