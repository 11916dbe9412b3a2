import { DOM0, type Domid, type FrameNumber, type Port } from '@split-driver/abi'
import type { Permission, PermissionKind } from '@split-driver/xenbus'
import { assertEqual, assertList, assertRejects } from './assert.js'
import type { SuiteCase } from './suite.js'
import type { World } from './world.js'

const BASE = '/conformance'

const entry = (domid: Domid, kind: PermissionKind): Permission => ({ domid, kind })

const shown = (permissions: readonly Permission[]): string[] => permissions.map(({ domid, kind }) => `${kind} ${domid}`)

const threeDomains = async (world: World) => {
  const [one, two] = [(await world.createGuest()).platform, (await world.createGuest()).platform]
  return { store: world.dom0.xenstore, one, two }
}

/** Who may do what: rules 42 and 43. */
export const permissionCases: SuiteCase[] = [
  {
    name: 'rule 42: a new node inherits its parent’s permissions; an unprivileged creator becomes its owner',
    needs: ['separateDomains'],
    differs: { oxenstored: 'owner-of-a-new-node' },
    run: async (world) => {
      const { store, one, two } = await threeDomains(world)
      await store.write(`${BASE}/shared`, '')
      const permissions = [entry(DOM0, 'none'), entry(one.domid, 'both'), entry(two.domid, 'read')]
      await store.setPermissions(`${BASE}/shared`, permissions)
      await store.write(`${BASE}/shared/ours`, '')
      assertList(shown(await store.getPermissions(`${BASE}/shared/ours`)), shown(permissions), 'made by dom0')
      await one.xenstore.write(`${BASE}/shared/theirs`, '')
      const inherited = shown([entry(one.domid, 'none'), ...permissions.slice(1)])
      assertList(shown(await store.getPermissions(`${BASE}/shared/theirs`)), inherited, 'made by a guest')
      await store.rm(BASE)
    },
  },
  {
    name: 'rule 42: the owner may do everything; its entry’s kind is everybody else’s',
    needs: ['separateDomains'],
    run: async (world) => {
      const { store, one, two } = await threeDomains(world)
      const path = `${BASE}/node`
      const kinds: [PermissionKind, boolean, boolean][] = [
        ['none', false, false],
        ['read', true, false],
        ['write', false, true],
        ['both', true, true],
      ]
      for (const [kind, mayRead, mayWrite] of kinds) {
        await store.write(path, kind)
        await store.setPermissions(path, [entry(one.domid, kind)])
        assertEqual(await one.xenstore.read(path), kind, 'what the owner reads')
        await one.xenstore.write(path, kind)
        if (mayRead) assertEqual(await two.xenstore.read(path), kind, 'what another reads')
        else await assertRejects(two.xenstore.read(path), ['EACCES'], `another’s read of ${kind}`)
        if (mayWrite) await two.xenstore.write(path, kind)
        else await assertRejects(two.xenstore.write(path, kind), ['EACCES'], `another’s write of ${kind}`)
      }
      await store.rm(BASE)
    },
  },
  {
    name: 'rule 42: of several entries for one domain the first counts',
    needs: ['separateDomains'],
    run: async (world) => {
      const { store, one, two } = await threeDomains(world)
      const path = `${BASE}/node`
      await store.write(path, 'v')
      await store.setPermissions(path, [entry(two.domid, 'both'), entry(one.domid, 'read'), entry(one.domid, 'both')])
      assertEqual(await one.xenstore.read(path), 'v', 'the value')
      await assertRejects(one.xenstore.write(path, 'w'), ['EACCES'], 'a write that the second entry would allow')
      await store.rm(BASE)
    },
  },
  {
    name: 'S2, rule 42: a guest may open its node to others, but not give it away: EPERM',
    needs: ['separateDomains'],
    differs: { oxenstored: 'change-of-owner' },
    run: async (world) => {
      const { store, one, two } = await threeDomains(world)
      await one.xenstore.write('data/mine', 'v')
      const path = `/local/domain/${one.domid}/data/mine`
      await one.xenstore.setPermissions('data/mine', [entry(one.domid, 'none'), entry(two.domid, 'read')])
      assertEqual(await two.xenstore.read(path), 'v', 'what the other reads')
      const giveAway = one.xenstore.setPermissions('data/mine', [entry(two.domid, 'none')])
      await assertRejects(giveAway, ['EPERM'], 'giving a node away')
      const chmod = two.xenstore.setPermissions(path, [entry(two.domid, 'both')])
      await assertRejects(chmod, ['EACCES', 'EPERM'], 'setting a stranger’s permissions')
      assertEqual(shown(await store.getPermissions(path))[0], `none ${one.domid}`, 'the owner')
      await one.xenstore.rm('data/mine')
    },
  },
  {
    name: 'rule 43: what a missing node answers depends on whether its nearest ancestor may be read',
    needs: ['separateDomains'],
    differs: { oxenstored: 'hidden-nodes' },
    run: async (world) => {
      const { store, one } = await threeDomains(world)
      await store.write(`${BASE}/hidden/there`, '')
      await store.write(`${BASE}/open`, '')
      await store.setPermissions(`${BASE}/open`, [entry(DOM0, 'read')])
      for (const name of ['there', 'missing', 'missing/deeper'])
        await assertRejects(one.xenstore.read(`${BASE}/hidden/${name}`), ['EACCES'], `hidden/${name}`)
      for (const name of ['missing', 'missing/deeper'])
        await assertRejects(one.xenstore.read(`${BASE}/open/${name}`), ['ENOENT'], `open/${name}`)
      await store.rm(BASE)
    },
  },
  {
    name: 'S2, rule 51: what only the control domain may ask is EACCES to a guest, and changes nothing',
    needs: ['separateDomains'],
    run: async (world) => {
      const { one, two, store } = await threeDomains(world)
      await assertRejects(one.xenstore.release(two.domid), ['EACCES'], 'RELEASE')
      const introduce = one.xenstore.introduce(99 as Domid, 1 as FrameNumber, 1 as Port)
      await assertRejects(introduce, ['EACCES'], 'INTRODUCE')
      assertEqual(await store.isDomainIntroduced(two.domid), true, 'introduced')
      assertEqual(await store.isDomainIntroduced(99 as Domid), false, 'introduced by a guest')
      await assertRejects(one.xenstore.rm('/local'), ['EACCES', 'EPERM'], 'RM of what is not one’s own')
      assertEqual((await two.xenstore.tryRead('name')) !== undefined, true, 'the other’s name is there')
    },
  },
  {
    name: 'S3, rule 53: with a domain go the nodes that it owned; a node of dom0 that it had rights on stays dom0’s',
    needs: ['separateDomains'],
    differs: { oxenstored: 'owner-of-a-new-node' },
    run: async (world) => {
      const store = world.dom0.xenstore
      const guest = await world.createGuest()
      await store.write(`${BASE}/open`, '')
      await store.setPermissions(`${BASE}/open`, [entry(DOM0, 'none'), entry(guest.domid, 'both')])
      await guest.platform.xenstore.write(`${BASE}/open/owned`, 'v')
      await guest.destroy()
      assertEqual(await store.tryRead(`${BASE}/open/owned`), undefined, 'a node that it owned')
      // C xenstored goes on listing a dead domain's entry, and takes no notice of it.
      const rights = shown(await store.getPermissions(`${BASE}/open`))
      const others = rights.slice(1).filter((right) => right !== `both ${guest.domid}`)
      assertList([rights[0], ...others], ['none 0'], 'rights on a node of dom0')
      assertEqual(await store.isDomainIntroduced(guest.domid), false, 'introduced')
      await store.rm(BASE)
    },
  },
]
