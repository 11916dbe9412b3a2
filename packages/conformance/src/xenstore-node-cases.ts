import { assertEqual, assertList, assertRejects } from './assert.js'
import type { SuiteCase } from './suite.js'

/** A directory of the control domain's own, so that nothing that a world needs is in the way. */
const BASE = '/conformance'

/** Nodes: rules 40 and 41. */
export const nodeCases: SuiteCase[] = [
  {
    name: 'rule 41: WRITE creates the node and its parents, empty; what was written is read back',
    run: async ({ dom0: { xenstore } }) => {
      await xenstore.write(`${BASE}/a/b/c`, 'value')
      assertEqual(await xenstore.read(`${BASE}/a/b/c`), 'value', 'the value')
      assertEqual(await xenstore.read(`${BASE}/a`), '', 'a parent’s value')
      assertList(await xenstore.directory(`${BASE}/a`), ['b'], 'the parent’s children')
      await xenstore.write(`${BASE}/a/b/c`, '')
      assertEqual((await xenstore.readBytes(`${BASE}/a/b/c`)).length, 0, 'bytes of an empty value')
      await xenstore.rm(BASE)
    },
  },
  {
    name: 'rule 41: a value is bytes: no NUL is added, and none is cut off',
    run: async ({ dom0: { xenstore } }) => {
      const value = Uint8Array.from({ length: 256 }, (_, i) => i)
      await xenstore.write(`${BASE}/bytes`, value)
      assertList(await xenstore.readBytes(`${BASE}/bytes`), value, 'the bytes')
      await xenstore.rm(BASE)
    },
  },
  {
    name: 'a node that is missing: ENOENT from read and directory, undefined from tryRead',
    run: async ({ dom0: { xenstore } }) => {
      await assertRejects(xenstore.read(`${BASE}/none`), ['ENOENT'], 'read')
      await assertRejects(xenstore.directory(`${BASE}/none`), ['ENOENT'], 'directory')
      await assertRejects(xenstore.getPermissions(`${BASE}/none`), ['ENOENT'], 'getPermissions')
      assertEqual(await xenstore.tryRead(`${BASE}/none`), undefined, 'tryRead')
    },
  },
  {
    name: 'relative paths begin at the domain’s own home',
    run: async ({ dom0: { domid, xenstore } }) => {
      const home = await xenstore.getDomainPath(domid)
      assertEqual(home, `/local/domain/${domid}`, 'the home of dom0')
      await xenstore.write('conformance/mine', 'x')
      assertEqual(await xenstore.read(`${home}/conformance/mine`), 'x', 'what was written')
      await xenstore.rm('conformance')
    },
  },
  {
    name: 'a guest’s relative paths begin at its own home, which the control domain can read',
    needs: ['separateDomains'],
    run: async (world) => {
      const { dom0 } = world
      const guest = (await world.createGuest({ name: 'relative' })).platform
      assertEqual(await guest.xenstore.read('name'), 'relative', 'the guest’s name as it sees it')
      const home = await dom0.xenstore.getDomainPath(guest.domid)
      assertEqual(home, `/local/domain/${guest.domid}`, 'the guest’s home')
      await guest.xenstore.write('data/mine', 'x')
      assertEqual(await dom0.xenstore.read(`${home}/data/mine`), 'x', 'what the guest wrote')
      await guest.xenstore.rm('data/mine')
    },
  },
  {
    name: 'S6, rule 40: paths that are none are EINVAL, and the connection goes on',
    run: async ({ dom0: { xenstore } }) => {
      const bad = ['', '//', '/a//b', `${BASE}/`, 'a/', '/a b', '/a.b', '/ä', '/a:b', `/${'x'.repeat(3072)}`]
      for (const path of [...bad, 'x'.repeat(2049)]) {
        await assertRejects(xenstore.read(path), ['EINVAL'], `read of ${path.slice(0, 20)}`)
        await assertRejects(xenstore.write(path, ''), ['EINVAL'], `write of ${path.slice(0, 20)}`)
      }
      await xenstore.write(`${BASE}/A-z_0@9`, 'fine')
      assertEqual(await xenstore.read(`${BASE}/A-z_0@9`), 'fine', 'a path of every kind of character')
      await xenstore.rm(BASE)
    },
  },
  {
    name: 'rule 41: MKDIR of a node that exists changes nothing',
    run: async ({ dom0: { xenstore } }) => {
      await xenstore.mkdir(`${BASE}/d/e`)
      assertEqual(await xenstore.read(`${BASE}/d/e`), '', 'a new directory’s value')
      await xenstore.write(`${BASE}/d`, 'kept')
      await xenstore.mkdir(`${BASE}/d`)
      assertEqual(await xenstore.read(`${BASE}/d`), 'kept', 'the value')
      await xenstore.rm(BASE)
    },
  },
  {
    name: 'rule 41: RM takes all below; RM of a missing node needs its parent; RM of the root is EINVAL',
    differs: { oxenstored: 'rm-of-the-root' },
    run: async ({ dom0: { xenstore } }) => {
      await xenstore.write(`${BASE}/a/b/c`, '1')
      await xenstore.write(`${BASE}/ab`, '2')
      await xenstore.rm(`${BASE}/a`)
      assertEqual(await xenstore.tryRead(`${BASE}/a/b/c`), undefined, 'a node below')
      assertEqual(await xenstore.read(`${BASE}/ab`), '2', 'a node beside')
      await xenstore.rm(`${BASE}/a`)
      await assertRejects(xenstore.rm(`${BASE}/a/b`), ['ENOENT'], 'RM below what is missing')
      await assertRejects(xenstore.rm('/'), ['EINVAL'], 'RM of the root')
      await xenstore.rm(BASE)
    },
  },
  {
    name: 'S1: a value that no message can carry is refused, and the connection goes on',
    run: async ({ dom0: { xenstore } }) => {
      await assertRejects(xenstore.write(`${BASE}/big`, new Uint8Array(5000)), ['E2BIG', 'ENOSPC', 'EINVAL'], 'write')
      await xenstore.write(`${BASE}/small`, 'ok')
      assertEqual(await xenstore.read(`${BASE}/small`), 'ok', 'the next value')
      await xenstore.rm(BASE)
    },
  },
  {
    name: 'requests of many callers at once are answered each to its own',
    run: async ({ dom0: { xenstore } }) => {
      const numbers = Array.from({ length: 100 }, (_, i) => i)
      await Promise.all(numbers.map((i) => xenstore.write(`${BASE}/n/${i}`, `value ${i}`)))
      const values = await Promise.all(numbers.map((i) => xenstore.read(`${BASE}/n/${i}`)))
      for (const i of numbers) assertEqual(values[i], `value ${i}`, `value ${i}`)
      assertEqual((await xenstore.directory(`${BASE}/n`)).length, 100, 'children')
      await xenstore.rm(BASE)
    },
  },
]
