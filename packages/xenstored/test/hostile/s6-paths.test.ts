import { settle } from '@split-driver/conformance'
import { packStringAndRest, packStrings, toBytes, XenStoreOp } from '@split-driver/xenbus'
import { describe, expect, test } from 'vitest'
import { HOSTILE, HostileWorld, TRANSPORTS } from '../support/hostile-world.js'

const HOME = `/local/domain/${HOSTILE}`

/** Every character that a path may have, one by one, and all others that are one byte. */
const ALLOWED = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_@']
const FORBIDDEN = Array.from({ length: 255 }, (_, index) => index + 1).filter(
  (byte) => byte !== 0x2f && !ALLOWED.includes(String.fromCharCode(byte)),
)

/** Paths at the edges of what may be one; `true` for those that may. */
const EDGES: [string, string, boolean][] = [
  ['nothing', '', false],
  ['a slash', '/', true],
  ['two', '//', false],
  ['one at the end', '/a/', false],
  ['one at the end of a relative path', 'a/', false],
  ['two in the middle', '/a//b', false],
  ['two at the beginning', '//a', false],
  ['a dot', '/a/.', false],
  ['two dots', '/a/..', false],
  ['a NUL’s neighbour', '/a\u{1}', false],
  ['more than ASCII', '/ä', false],
  ['an @ within', '/a@b/@c', true],
  ['a special path, as a node', '@releaseDomain', false],
  ['a special path with something below', '@releaseDomain/x', false],
  ['a relative path of 2048 bytes', 'r'.repeat(2048), true],
  ['a relative path of 2049 bytes', 'r'.repeat(2049), false],
  ['an absolute path of 2048 bytes', `/${'a'.repeat(2047)}`, true],
  ['an absolute path of 2049 bytes', `/${'a'.repeat(2048)}`, false],
  ['its own directory’s, which does not count', `${HOME}/${'a'.repeat(2048)}`, true],
  ['one byte more', `${HOME}/${'a'.repeat(2049)}`, false],
  ['3072 bytes', `/${'a'.repeat(3071)}`, false],
  ['3073 bytes', `/${'a'.repeat(3072)}`, false],
]

/** Whatever names a node, in whatever operation. */
const askedBy: [string, number, (path: Uint8Array) => Uint8Array][] = [
  ['READ', XenStoreOp.Read, (path) => packStrings(path)],
  ['DIRECTORY', XenStoreOp.Directory, (path) => packStrings(path)],
  ['DIRECTORY_PART', XenStoreOp.DirectoryPart, (path) => packStrings(path, '0')],
  ['WRITE', XenStoreOp.Write, (path) => Uint8Array.of(...path, 0)],
  ['MKDIR', XenStoreOp.Mkdir, (path) => packStrings(path)],
  ['RM', XenStoreOp.Rm, (path) => packStrings(path)],
]

describe.each(askedBy)('S6: the grammar of paths, in %s', (_, type, bodyOf) => {
  test.each(EDGES)('%s', async (_name, path, valid) => {
    const world = await HostileWorld.open('channel')
    const reply = await world.hostile.ask(type, bodyOf(toBytes(path)))
    if (valid) expect(reply).not.toBe('!EINVAL')
    else expect(reply).toBe('!EINVAL')
    await world.expectSound()
  })

  test('every character', async () => {
    const world = await HostileWorld.open('channel')
    for (const byte of FORBIDDEN)
      expect([byte, await world.hostile.ask(type, bodyOf(Uint8Array.of(0x61, byte, 0x62)))]).toEqual([byte, '!EINVAL'])
    for (const character of ALLOWED)
      expect(await world.hostile.ask(type, bodyOf(toBytes(`/a${character}`)))).not.toBe('!EINVAL')
  })
})

describe.each(TRANSPORTS)('S6, by %s', (transport) => {
  test('the deepest path that may be one: made, watched, read, listed, changed in a transaction and removed', async () => {
    const world = await HostileWorld.open(transport)
    const deepest = Array.from({ length: 1024 }, () => 'd').join('/')
    await world.dom0.ask(XenStoreOp.SetQuota, packStrings(String(HOSTILE), 'nodes', '2000'))
    await world.dom0.ask(XenStoreOp.SetQuota, packStrings(String(HOSTILE), 'transaction-nodes', '5000'))
    expect(await world.hostile.watch(deepest, 't')).toBe('OK')
    expect(await world.hostile.write(deepest, 'bottom')).toBe('OK')
    expect(await world.hostile.events()).toEqual([`${deepest} t`, `${deepest} t`])
    expect(await world.hostile.read(deepest)).toBe('bottom')
    expect(await world.hostile.directory(deepest.slice(0, -2))).toBe('d')
    const id = await world.hostile.start()
    expect(await world.hostile.write(deepest, 'changed', id)).toBe('OK')
    await world.dom0.write('/elsewhere', 'x')
    expect(await world.hostile.end(id)).toBe('OK')
    expect(await world.hostile.events()).toEqual([`${deepest} t`])
    const removing = await world.hostile.start()
    expect(await world.hostile.rm('d', removing)).toBe('OK')
    expect(await world.hostile.end(removing)).toBe('OK')
    expect(await world.hostile.events()).toEqual([`${deepest} t`])
    expect(await world.used('nodes')).toBe(1)
    await world.expectSound()
  })

  test('a flood of writes: between any two answers to others it has only a few of its own', async () => {
    const world = await HostileWorld.open(transport)
    for (let i = 0; i < 3000; i++) world.hostile.post(XenStoreOp.Write, packStringAndRest(`${i % 7}`, `${i}`))
    let most = 0
    for (let i = 0, before = 0; i < 40; i++) {
      expect(await world.dom0.write('/other', `${i}`)).toBe('OK')
      most = Math.max(most, world.hostile.messages.length - before)
      before = world.hostile.messages.length
    }
    expect(world.hostile.messages.length).toBeLessThan(3000)
    expect(most).toBeLessThan(100)
    await settle(50_000)
    expect(world.hostile.messages).toHaveLength(3000)
    await world.expectSound()
  })
})
