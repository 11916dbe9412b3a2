import { packStrings, XenStoreOp } from '@split-driver/xenbus'
import { assert, assertEqual, assertList } from './assert.js'
import type { SuiteCase } from './suite.js'
import { BASE, onWire, type WireDomain, type WireScene } from './wire-scene.js'

/** As servers begin. */
const UNTOLD = ['n0']

/** Watches both special paths; what comes at once is no news. */
const watchSpecial = async ({ wire }: Pick<WireDomain, 'wire'>): Promise<void> => {
  assertEqual(await wire.watch('@introduceDomain', 'came'), 'OK', 'WATCH @introduceDomain')
  assertEqual(await wire.watch('@releaseDomain', 'went'), 'OK', 'WATCH @releaseDomain')
  await wire.events()
}

/** How often something is told is the server's affair. */
const told = async ({ wire }: Pick<WireDomain, 'wire'>): Promise<string[]> => [...new Set(await wire.events())].sort()

/** The domain's life ends and another one of its number begins. */
const replace = async (scene: WireScene, domain: WireDomain): Promise<void> => {
  await scene.release(domain)
  await scene.introduce(domain)
}

/** Domains that come, go and are spoken of: rules 51 and 53, as their own end of the ring shows them. */
export const domainCases: SuiteCase[] = [
  {
    name: 'rule 51: a domain is served from INTRODUCE on, and known until RELEASE',
    needs: ['storeWire', 'bareDomains'],
    run: onWire(async (scene) => {
      const domain = await scene.createDomain()
      const known = () => scene.dom0.tell(XenStoreOp.IsDomainIntroduced, domain.domid)
      assertEqual(await known(), 'F', 'before INTRODUCE')
      await scene.introduce(domain)
      assertEqual(await known(), 'T', 'after INTRODUCE')
      assertEqual(await domain.wire.write('mine', 'x'), 'OK', 'its WRITE')
      assertEqual(await scene.dom0.read(`${domain.home}/mine`), 'x', 'what it wrote')
      assertEqual(await domain.wire.tell(XenStoreOp.GetDomainPath, domain.domid), domain.home, 'its home')
      await scene.release(domain)
      assertEqual(await known(), 'F', 'after RELEASE')
    }),
  },
  {
    name: 'rule 51: INTRODUCE without domid, frame and port is EINVAL',
    needs: ['storeWire', 'bareDomains'],
    run: onWire(async (scene) => {
      const domain = await scene.createDomain()
      for (const count of [1, 2]) {
        const introduction = domain.introduction.slice(0, count)
        assertEqual(await scene.dom0.tell(XenStoreOp.Introduce, ...introduction), '!EINVAL', `${count} arguments`)
      }
      assertEqual(await scene.dom0.tell(XenStoreOp.IsDomainIntroduced, domain.domid), 'F', 'introduced')
    }),
  },
  {
    name: 'rule 51: RELEASE of a domain that was not introduced is ENOENT',
    needs: ['storeWire', 'bareDomains'],
    differs: { oxenstored: 'release-of-a-stranger' },
    run: onWire(async (scene) => {
      const domain = await scene.createDomain()
      assertEqual(await scene.dom0.tell(XenStoreOp.Release, domain.domid), '!ENOENT', 'RELEASE')
    }),
  },
  {
    name: 'S2, rule 51: what only the control domain may ask is EACCES to a guest, whatever its arguments are',
    needs: ['storeWire', 'bareDomains'],
    run: onWire(async (scene) => {
      const [guest, other] = [await scene.createGuest(), await scene.createGuest()]
      const requests: Record<string, readonly [number, ...(string | number)[]]> = {
        INTRODUCE: [XenStoreOp.Introduce, ...other.introduction],
        RELEASE: [XenStoreOp.Release, other.domid],
        'RELEASE of itself': [XenStoreOp.Release, guest.domid],
        IS_DOMAIN_INTRODUCED: [XenStoreOp.IsDomainIntroduced, other.domid],
        RESUME: [XenStoreOp.Resume, other.domid],
        SET_TARGET: [XenStoreOp.SetTarget, guest.domid, other.domid],
      }
      for (const [name, request] of Object.entries(requests))
        assertEqual(await guest.wire.tell(...request), '!EACCES', name)
      // oxenstored says OK, and does nothing.
      assert(['!EACCES', 'OK'].includes(await guest.wire.tell(XenStoreOp.Control, 'help')), 'CONTROL')
      assertEqual(await other.wire.read(other.home), '', 'the other is served on')
    }),
  },
  {
    name: 'S2, rule 51: @introduceDomain and @releaseDomain are told to whom their permissions let read them',
    needs: ['storeWire', 'bareDomains'],
    run: onWire(async (scene) => {
      const [guest, other] = [await scene.createGuest(), await scene.createDomain()]
      const control = { wire: scene.dom0 }
      for (const watcher of [guest, control]) await watchSpecial(watcher)
      await scene.introduce(other)
      assertList(await told(control), ['@introduceDomain came'], 'what the control domain is told of INTRODUCE')
      await scene.release(other)
      assertList(await told(control), ['@releaseDomain went'], 'what the control domain is told of RELEASE')
      assertList(await told(guest), [], 'what a guest is told')
      assertEqual(await scene.dom0.setPerms('@releaseDomain', [...UNTOLD, `r${guest.domid}`]), 'OK', 'SET_PERMS')
      await guest.wire.events()
      await scene.introduce(other)
      await scene.release(other)
      assertList(await told(guest), ['@releaseDomain went'], 'what a guest is told that may read one of the two')
      assertEqual(await scene.dom0.setPerms('@releaseDomain', UNTOLD), 'OK', 'SET_PERMS')
    }),
  },
  {
    name: 'S2, rule 51: a guest’s SET_PERMS of a special path is EACCES, and changes nothing',
    needs: ['storeWire', 'bareDomains'],
    differs: { 'C xenstored': 'permissions-of-a-special-path-refused' },
    run: onWire(async (scene) => {
      const guest = await scene.createGuest()
      for (const path of ['@introduceDomain', '@releaseDomain']) {
        const before = await scene.dom0.getPerms(path)
        assertEqual(await guest.wire.setPerms(path, [`b${guest.domid}`]), '!EACCES', `SET_PERMS ${path}`)
        assertEqual(await scene.dom0.getPerms(path), before, `the permissions of ${path}`)
      }
    }),
  },
  {
    name: 'rule 51: RESUME is OK for a domain that was introduced, and an error for another',
    needs: ['storeWire', 'bareDomains'],
    run: onWire(async (scene) => {
      const domain = await scene.createDomain()
      const resume = () => scene.dom0.tell(XenStoreOp.Resume, domain.domid)
      assert(['!ENOENT', '!EINVAL'].includes(await resume()), 'RESUME of a domain that was not introduced')
      await scene.introduce(domain)
      assertEqual(await resume(), 'OK', 'RESUME')
      assertEqual(await domain.wire.read(domain.home), '', 'it is served on')
    }),
  },
  {
    name: 'SET_TARGET: a domain may do with its target’s nodes what the target may, and with no other’s',
    needs: ['storeWire', 'bareDomains'],
    run: onWire(async (scene) => {
      // C xenstored may fall over a target that goes before the domain that has it: scenes end in this order.
      const [model, target, other] = [await scene.createGuest(), await scene.createGuest(), await scene.createGuest()]
      await scene.allow(`${BASE}/target`, `n${target.domid}`)
      await scene.allow(`${BASE}/other`, `n${other.domid}`)
      assertEqual(await model.wire.read(`${BASE}/target`), '!EACCES', 'READ before SET_TARGET')
      assertEqual(await scene.dom0.tell(XenStoreOp.SetTarget, model.domid, target.domid), 'OK', 'SET_TARGET')
      assertEqual(await model.wire.write(`${BASE}/target`, 'x'), 'OK', 'WRITE')
      assertEqual(await model.wire.read(`${BASE}/target`), 'x', 'READ')
      assertEqual(await model.wire.read(`${BASE}/other`), '!EACCES', 'READ of another’s')
      assertEqual(await target.wire.read(model.home), '!EACCES', 'the target’s READ of the domain’s')
    }),
  },
  {
    name: 'S3, rule 53: a domid that comes back has no node, right or watch of its predecessor',
    needs: ['storeWire', 'bareDomains'],
    differs: { oxenstored: 'owner-of-a-new-node' },
    run: onWire(async (scene) => {
      const domain = await scene.createGuest()
      await scene.allow(`${BASE}/shared`, 'n0', `b${domain.domid}`)
      assertEqual(await domain.wire.write(`${BASE}/shared/owned`, 'x'), 'OK', 'WRITE')
      assertEqual(await domain.wire.watch('state', 't'), 'OK', 'WATCH')
      await replace(scene, domain)
      assertEqual(await domain.wire.read(`${BASE}/shared`), '!EACCES', 'a right on a node')
      assertEqual(await domain.wire.write(`${BASE}/shared/new`, 'x'), '!EACCES', 'a right to write')
      assertEqual(await scene.dom0.read(`${BASE}/shared/owned`), '!ENOENT', 'a node that it owned')
      await domain.wire.events()
      assertEqual(await scene.dom0.write(`${domain.home}/state`, '1'), 'OK', 'WRITE of what it watched')
      assertList(await domain.wire.events(), [], 'a watch')
      assertEqual(await domain.wire.watch('state', 't'), 'OK', 'WATCH of the same')
    }),
  },
  {
    name: 'S3, rule 53: nor is a transaction left of it',
    needs: ['storeWire', 'bareDomains'],
    differs: { oxenstored: 'unknown-transaction' },
    run: onWire(async (scene) => {
      const domain = await scene.createGuest()
      const txId = await domain.wire.start()
      assertEqual(await domain.wire.write('half', 'x', txId), 'OK', 'WRITE')
      await replace(scene, domain)
      assertEqual(await domain.wire.end(txId), '!ENOENT', 'END')
      assertEqual(await domain.wire.read('half'), '!ENOENT', 'what was written in it')
    }),
  },
  {
    name: 'rule 53: RESET_WATCHES ends the domain’s watches, all of them and nobody else’s',
    needs: ['storeWire', 'bareDomains'],
    run: onWire(async (scene) => {
      const domain = await scene.createGuest()
      const path = `${domain.home}/x`
      for (const token of ['1', '2']) assertEqual(await domain.wire.watch('x', token), 'OK', 'WATCH')
      assertEqual(await scene.dom0.watch(path, 'other'), 'OK', 'another’s WATCH')
      await Promise.all([domain.wire.events(), scene.dom0.events()])
      assertEqual(await domain.wire.tell(XenStoreOp.ResetWatches, ''), 'OK', 'RESET_WATCHES')
      assertEqual(await scene.dom0.write(path, 'x'), 'OK', 'WRITE')
      assertList(await domain.wire.events(), [], 'its events')
      assertList(await scene.dom0.events(), [`${path} other`], 'another’s events')
      assertEqual(await domain.wire.unwatch('x', '1'), '!ENOENT', 'UNWATCH')
      assertEqual(await domain.wire.watch('x', '1'), 'OK', 'WATCH again')
    }),
  },
  {
    name: 'rule 53: RESET_WATCHES ends the domain’s transactions, too',
    needs: ['storeWire', 'bareDomains'],
    differs: { oxenstored: 'unknown-transaction' },
    run: onWire(async (scene) => {
      const domain = await scene.createGuest()
      const txId = await domain.wire.start()
      assertEqual(await domain.wire.write('half', 'x', txId), 'OK', 'WRITE')
      assertEqual(await domain.wire.ask(XenStoreOp.ResetWatches, packStrings('')), 'OK', 'RESET_WATCHES')
      assertEqual(await domain.wire.end(txId), '!ENOENT', 'END')
      assertEqual(await domain.wire.read('half'), '!ENOENT', 'what was written in it')
    }),
  },
]
