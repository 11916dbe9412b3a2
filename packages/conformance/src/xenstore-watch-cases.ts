import { DOM0 } from '@split-driver/abi'
import type { Platform } from '@split-driver/platform'
import { assertEqual, assertList } from './assert.js'
import type { SuiteCase } from './suite.js'
import { eventually, within } from './wait.js'
import { WatchProbe } from './watch-probe.js'

const BASE = '/conformance'

/** Watches a directory of the domain's own by both its names. */
const relativeWatch = async (domain: Platform, directory: string): Promise<void> => {
  const home = `/local/domain/${domain.domid}`
  await domain.xenstore.mkdir(directory)
  await using relative = await WatchProbe.open(domain, directory)
  await using absolute = await WatchProbe.open(domain, `${home}/${directory}`)
  await domain.xenstore.write(`${directory}/x`, '1')
  await relative.expect([`${directory}/x`], 'the relative watch')
  await absolute.expect([`${home}/${directory}/x`], 'the absolute watch')
  await domain.xenstore.rm(`${directory}/x`)
}

/** Watches: rules 41, 44 to 46 and 51. */
export const watchCases: SuiteCase[] = [
  {
    name: 'rule 44: a watch begins with one event of its own, even on a node that is not there',
    run: async ({ dom0 }) => {
      await using watch = await WatchProbe.open(dom0, `${BASE}/none`)
      await watch.expect([], 'no event but the first')
    },
  },
  {
    name: 'a watch hears of its node and of all below, and of nothing beside or above',
    run: async ({ dom0 }) => {
      const { xenstore } = dom0
      await xenstore.mkdir(`${BASE}/a`)
      await using watch = await WatchProbe.open(dom0, `${BASE}/a`)
      await xenstore.write(`${BASE}/a`, '1')
      await xenstore.write(`${BASE}/a/b/c`, '2')
      await xenstore.write(`${BASE}/ab`, '3')
      await xenstore.write(BASE, '4')
      await watch.expect([`${BASE}/a`, `${BASE}/a/b/c`], 'after four writes')
      await xenstore.mkdir(`${BASE}/a/d`)
      await watch.expect([`${BASE}/a/d`], 'MKDIR')
      await xenstore.setPermissions(`${BASE}/a/d`, [{ domid: DOM0, kind: 'read' }])
      await watch.expect([`${BASE}/a/d`], 'SET_PERMS')
      await xenstore.rm(`${BASE}/a/d`)
      await watch.expect([`${BASE}/a/d`], 'RM')
      await xenstore.rm(BASE)
    },
  },
  {
    name: 'rule 41: MKDIR of a node that exists, and RM of one that does not, raise no event',
    run: async ({ dom0 }) => {
      const { xenstore } = dom0
      await xenstore.mkdir(`${BASE}/a`)
      await using watch = await WatchProbe.open(dom0, BASE)
      await xenstore.mkdir(`${BASE}/a`)
      await xenstore.rm(`${BASE}/b`)
      await watch.expect([], 'no event')
      await xenstore.rm(BASE)
    },
  },
  {
    name: 'rule 45: event paths are relative iff the watch is, in dom0',
    run: ({ dom0 }) => relativeWatch(dom0, 'conformance'),
  },
  {
    name: 'rule 45: event paths are relative iff the watch is, in a guest',
    needs: ['separateDomains'],
    run: async (world) => relativeWatch((await world.createGuest()).platform, 'data'),
  },
  {
    name: 'rule 46: removing a subtree tells its descendants’ own watches, and the watches above only of the subtree',
    differs: { oxenstored: 'removal-below-which-nothing-was' },
    run: async ({ dom0 }) => {
      const { xenstore } = dom0
      await xenstore.write(`${BASE}/a/b/c`, '')
      await using above = await WatchProbe.open(dom0, BASE)
      await using exact = await WatchProbe.open(dom0, `${BASE}/a/b/c`)
      await using missing = await WatchProbe.open(dom0, `${BASE}/a/b/x`)
      await xenstore.rm(`${BASE}/a`)
      await above.expect([`${BASE}/a`], 'the watch above')
      await exact.expect([`${BASE}/a/b/c`], 'the watch on a descendant')
      await missing.expect([], 'the watch on what was not there')
      await xenstore.rm(BASE)
    },
  },
  {
    name: 'one domain hears what another writes, each of its watches by itself',
    run: async (world) => {
      const { dom0 } = world
      const guest = (await world.createGuest()).platform
      const path = `/local/domain/${guest.domid}/data/state`
      await using first = await WatchProbe.open(dom0, path)
      await using second = await WatchProbe.open(dom0, path)
      await guest.xenstore.write('data/state', '4')
      await first.expect([path], 'the first watch')
      await first.close()
      await second.expect([path], 'the second watch')
      await guest.xenstore.write('data/state', '5')
      await second.expect([path], 'the watch that stays')
      assertEqual(first.paths.length, 0, 'events after close')
      await guest.xenstore.rm('data/state')
    },
  },
  {
    name: 'S2: a guest’s watch tells nothing of nodes that it may not read',
    needs: ['separateDomains'],
    run: async (world) => {
      const { dom0 } = world
      const guest = (await world.createGuest()).platform
      await dom0.xenstore.mkdir(BASE)
      await using watch = await WatchProbe.open(guest, BASE)
      await dom0.xenstore.write(`${BASE}/secret`, '1')
      await dom0.xenstore.write(`${BASE}/open`, '')
      await watch.expect([], 'hidden nodes')
      await dom0.xenstore.setPermissions(`${BASE}/open`, [{ domid: DOM0, kind: 'read' }])
      await dom0.xenstore.write(`${BASE}/open`, '2')
      await eventually(dom0.clock, () => watch.paths.length > 0, 'the open node’s event')
      assertList([...new Set(watch.paths)], [`${BASE}/open`], 'paths that were told')
      await dom0.xenstore.rm(BASE)
    },
  },
  {
    name: 'rule 51: @introduceDomain and @releaseDomain tell the control domain of each that comes and goes',
    needs: ['separateDomains'],
    run: async (world) => {
      await using introduced = await WatchProbe.open(world.dom0, '@introduceDomain')
      await using released = await WatchProbe.open(world.dom0, '@releaseDomain')
      const guest = await world.createGuest({ name: 'newcomer' })
      await introduced.expectOnly('@introduceDomain', 'a domain that came')
      await released.expect([], 'nobody went')
      await guest.destroy()
      await released.expectOnly('@releaseDomain', 'a domain that went')
    },
  },
  {
    name: 'a watch that is closed ends its iteration, and may be closed again',
    run: async ({ dom0: { xenstore, clock } }) => {
      const watch = await xenstore.watch(`${BASE}/w`)
      const seen: string[] = []
      const iteration = (async () => {
        for await (const path of watch) seen.push(path)
      })()
      await eventually(clock, () => seen.length === 1, 'the first event')
      await watch.close()
      await watch.close()
      await within(clock, iteration, 'the iteration to end')
      assertList(seen, [`${BASE}/w`], 'paths')
    },
  },
]
